"""The screens of schedules as a browser without JavaScript sees them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from musterwerk.errors import ServerError
from musterwerk.schedules import Schedule, cron
from musterwerk.schedules.ledger.address import page_of
from tests.console.office import Office
from tests.console.pages.browsing import Browser
from tests.console.pages.schedules import (
    DAY,
    MINUTE,
    NOON,
    ROW,
    Ledger,
    fire,
    incident,
    row,
)
from tests.schedules.server.conftest import Desk


@pytest.fixture
async def anna(office: Office) -> Browser:
    office.services.people.change("anna", zone="Europe/Berlin", actor="test", channel="cli")
    return await Browser.of(office, "anna")


async def test_the_list_shows_how_each_stands(anna: Browser, ledger: Ledger) -> None:
    fires = (fire("report", NOON), fire("report", NOON + MINUTE, "missed"))
    ledger.has(row("report", last_good_at=NOON), *fires, incidents=(incident("report", NOON),))
    ledger.has(row("quiet", paused=True, owner="ops"))
    page = await anna.get("/schedules")
    for words in ("report", "not well", "missed", "28 Nov 2026, 13:00 CET", "quiet", "paused"):
        assert words in page.text
    assert "quiet" in (await anna.get("/schedules?state=paused&owner=ops")).links
    assert "report" not in (await anna.get("/schedules?state=paused")).links
    assert "report" in (await anna.get("/schedules?state=failing&q=REP")).links
    assert "Nothing fits" in (await anna.get("/schedules?state=drifted")).text
    assert (await anna.get("/schedules?state=nonsense")).status == 422


async def test_what_cannot_be_judged_is_said(office: Office, anna: Browser, ledger: Ledger) -> None:
    """It would look as if all were well: nothing is late of what nobody looks at."""
    office.outage.error = ServerError("away")
    flaw = "time_zone: there is no time zone 'Local'"
    unjudged = replace(incident("odd", NOON), verdict="unjudged", reason=flaw)
    ledger.has(row("odd", flaw=flaw), incidents=(unjudged,))
    assert f"cannot be judged {flaw}" in (await anna.get("/schedules")).text
    page = await anna.get("/schedules/odd")
    assert f"nobody is told of what goes wrong with its runs. {flaw}" in page.notice
    assert "Not well since" not in page.notice


async def test_the_list_comes_by_pages(anna: Browser, ledger: Ledger) -> None:
    for number in range(55):
        ledger.has(row(f"job-{number:02}"))
    page = await (await anna.get("/schedules")).follow("More")
    assert [name for name in page.links if name.startswith("job")] == [
        f"job-{number}" for number in range(50, 55)
    ]


async def test_it_is_said_that_the_ledger_is_old(
    office: Office, anna: Browser, ledger: Ledger
) -> None:
    """Who reads yesterday's verdicts as today's would find nothing wrong."""
    now = office.services.now()
    assert not (await anna.get("/schedules")).notice
    ledger.looked(now - timedelta(minutes=5))
    for path in ("/schedules", "/schedules/calendar"):
        assert "The ledger is as of" in (await anna.get(path)).notice
    ledger.looked(now, "the server does not answer")
    assert "the server does not answer" in (await anna.get("/schedules")).notice


async def test_without_a_monitor(office: Office, anna: Browser) -> None:
    assert "No monitor has looked" in (await anna.get("/schedules")).notice


async def test_a_month_has_counts_and_names_and_leads_to_its_days(
    anna: Browser, ledger: Ledger
) -> None:
    fires = [fire("report", NOON - at * MINUTE) for at in range(5)]
    # 23:30 UTC is the next day in Berlin.
    night = datetime(2026, 11, 9, 23, 30, tzinfo=UTC)
    ledger.has(ROW, *fires, fire("report", night, "failed"))
    ledger.looked(NOON)
    ledger.has(ROW, coming=(NOON + DAY, NOON + 2 * DAY))
    page = await anna.get("/schedules/calendar?date=2026-11-28")
    assert "November 2026" in page.text
    assert "10 Nov 1 failed report failed 11 Nov" in page.text
    assert "28 Nov 5 ran 29 Nov 1 coming 30 Nov 1 coming" in page.text
    assert "the next 50 due times of each schedule" in page.text
    day = await page.follow("10 Nov")
    assert "Tuesday, 10 November 2026" in day.text
    assert "00:30 report failed" in day.text
    assert "report" in (await day.follow("report")).text


async def test_a_schedule_that_is_called_calendar(
    office: Office, anna: Browser, planned: Desk, ledger: Ledger
) -> None:
    """At its address is the calendar."""
    one = Schedule("calendar", "Idle", when=cron("0 6 * * *"), task_queue="nobody")
    await planned.apply(one)
    ledger.has(row("calendar"), fire("calendar", NOON))
    page = await (await anna.get("/schedules")).follow("calendar")
    assert "28 Nov 2026, 13:00 CET" in page.text
    otto = await Browser.of(office, "otto")
    page = await otto.get(page_of("calendar"))
    asked = await page.follow("Start one run now …")
    done = await asked.send("trigger")
    assert done.path.startswith("/schedules/calendar/page?act=")
    assert "One run was started" in done.notice
    await planned.server.delete("calendar")


async def test_days_of_clock_changes(anna: Browser, ledger: Ledger) -> None:
    """An hour that comes twice would be one, and its runs too."""
    hours = [datetime(2026, 10, 25, hour, 15, tzinfo=UTC) for hour in (0, 1)]
    spring = datetime(2026, 3, 29, 1, 15, tzinfo=UTC)
    ledger.has(ROW, *(fire("report", at) for at in (*hours, spring)))
    page = await anna.get("/schedules/calendar?view=day&date=2026-10-25")
    assert "Sunday, 25 October has 25 hours" in page.notice
    assert "02:00 02:15 report ran 02:00 again 02:15 report ran 03:00" in page.text
    page = await anna.get("/schedules/calendar?view=day&date=2026-03-29")
    assert "has 23 hours" in page.notice
    assert "01:00 03:00 03:15 report ran" in page.text
    week = await anna.get("/schedules/calendar?view=week&date=2026-03-28")
    assert "23 Mar to 29 Mar 2026" in week.text


async def test_a_calendar_of_one_owner_or_schedule(anna: Browser, ledger: Ledger) -> None:
    ledger.has(ROW, fire("report", NOON))
    ledger.has(row("other", owner="ops"), replace(fire("other", NOON, "missed"), owner="ops"))
    for query in ("owner=ops", "schedule=other"):
        page = await anna.get(f"/schedules/calendar?date=2026-11-28&{query}")
        assert "28 Nov 1 missed other missed" in page.text
    for wrong in ("date=yesterday", "date=0001-01-01", "view=year"):
        assert (await anna.get(f"/schedules/calendar?{wrong}")).status == 422


async def test_one_schedule_while_temporal_is_away(
    office: Office, anna: Browser, ledger: Ledger
) -> None:
    """The night in which it is looked for is that in which the server is away."""
    office.outage.error = ServerError("away")
    reason = "the run of 2026-11-28 11:00:00 UTC still went on"
    missed = fire("report", NOON - DAY, "skipped", reason=reason)
    late = fire("report", NOON, "late", reason="it began 5 minutes 3 seconds after its time")
    ledger.has(ROW, late, missed, incidents=(incident("report", NOON),))
    page = await anna.get("/schedules/report")
    assert page.status == 200
    assert "Temporal does not answer" in page.notice
    assert "Not well since the run due 28 Nov 2026, 13:00 CET: missed. there is no run" in (
        page.notice
    )
    assert "By the rules of Temporal Server" in page.text
    assert "06:00:00 CE" in page.text
    assert "it began 5 mins 3 secs after its time" in page.text
    assert "the run of 28 Nov 2026, 12:00 CET still went on" in page.text
    assert "30 secs" in page.text
    assert "finance@example.com" in page.text
    assert "usually 30 secs, at most 30 secs (1 runs)" in page.text
    assert "secret-argument" not in page.text
    assert not [form for form in page.forms if form.action.startswith("/schedules")]
    udo = await Browser.of(office, "udo")
    assert "secret-argument" in (await udo.get("/schedules/report")).text


async def test_one_schedule_as_the_server_has_it(
    office: Office, anna: Browser, ledger: Ledger, planned: Desk
) -> None:
    """What is meant beside what will happen: at the change of clocks these differ."""
    one = planned.schedule(
        "quarters", cron("*/15 * 25 10 *", tz="Europe/Berlin"), owner="finance", note="since 2019"
    )
    await planned.apply(one)
    page = await anna.get(f"/schedules/{one.name}")
    assert "The ledger does not have it yet" in page.notice
    assert "As Temporal's server tells it" in page.text
    assert "in the time zone Europe/Berlin" in page.text
    assert "since 2019" in page.text
    assert (await anna.get("/schedules/nobody-knows-it")).status == 404


async def test_links_to_temporal_are_for_those_who_see_everything(
    office: Office, ledger: Ledger, anna: Browser
) -> None:
    office.services.temporal_ui = "http://temporal"
    ledger.has(ROW, fire("report", NOON))
    udo = await Browser.of(office, "udo")
    page = await udo.get("/schedules/report")
    assert page.links["show"] == "http://temporal/namespaces/default/workflows/report-1200/r-1"
    assert "show" not in (await anna.get("/schedules/report")).links


async def test_older_runs_come_by_pages(anna: Browser, ledger: Ledger) -> None:
    ledger.has(ROW, *(fire("report", NOON - at * DAY) for at in range(30)))
    page = await (await anna.get("/schedules/report")).follow("Older")
    assert "30 Oct 2026, 13:00" in page.text
    assert "Older" not in page.links
    assert (await anna.get("/schedules/report?cursor=rubbish")).status == 422


async def test_others_words_do_no_harm(anna: Browser, ledger: Ledger) -> None:
    evil = '<img src=x onerror="alert(1)">'
    ledger.has(row("report", note=evil, owner=evil), fire("report", NOON, "missed", reason=evil))
    for path in ("/schedules", "/schedules/report", "/schedules/calendar"):
        assert "<img" not in (await anna.get(path)).response.text


async def test_german(office: Office, anna: Browser, ledger: Ledger) -> None:
    office.services.people.change("anna", language="de", actor="test", channel="cli")
    late = fire("report", NOON, "late", reason="it began 5 minutes 3 seconds after its time")
    ledger.has(ROW, late)
    page = await anna.get("/schedules/report")
    assert "er begann 5 Min. 3 Sek. nach seiner Zeit" in page.text
    page = await anna.get("/schedules/calendar?view=day&date=2026-11-28")
    assert "Samstag, 28. November 2026" in page.text
