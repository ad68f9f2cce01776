"""What operators do to schedules by forms: done once, with their name, or refused in words."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Schedule as Foreign
from temporalio.client import ScheduleActionStartWorkflow, ScheduleSpec

from musterwerk.errors import ServerError
from musterwerk.schedules import Schedule, control, cron
from tests.console.office import Office
from tests.console.pages.browsing import Browser, Page
from tests.console.pages.schedules import Ledger
from tests.schedules.server.conftest import Desk
from tests.waiting import until_async

_JANUARY = "from=2024-01-01T00:00&until=2024-01-31T23:59"


@pytest.fixture
async def daily(planned: Desk, ledger: Ledger) -> Schedule:
    one = planned.schedule("daily", cron("0 6 * * *"))
    await planned.apply(one)
    return one


@pytest.fixture
async def otto(office: Office) -> Browser:
    return await Browser.of(office, "otto")


async def _runs(planned: Desk, one: Schedule) -> int:
    return (await planned.client.count_workflows(f"TemporalScheduledById = '{one.name}'")).count


async def _backfilled(page: Page) -> Page:
    """When the page says that it is done."""

    async def done() -> bool:
        nonlocal page
        page = await page.browser.get(page.path)
        return "so far" not in page.notice

    await until_async(done)
    return page


async def test_pausing_with_a_reason_and_continuing(
    otto: Browser, planned: Desk, daily: Schedule
) -> None:
    page = await otto.get(f"/schedules/{daily.name}")
    missing = await page.send("pause", reason=" ")
    assert missing.status == 422
    assert "say why" in missing.notice
    assert not (await planned.found("daily")).proto.state.paused
    page = await missing.send("pause", reason="stocktaking")
    assert "Paused." in page.notice
    state = (await planned.found("daily")).proto.state
    assert (state.paused, state.notes) == (True, "Otto (otto): stocktaking")
    assert "none of these runs" in page.notice
    page = await page.send("unpause")
    assert "It goes on." in page.notice
    state = (await planned.found("daily")).proto.state
    assert (state.paused, state.notes) == (False, "Otto (otto)")


async def test_what_somebody_else_has_done_meanwhile_stays(
    otto: Browser, planned: Desk, daily: Schedule
) -> None:
    """The note of whoever paused first, and knows why, would be gone."""
    page = await otto.get(f"/schedules/{daily.name}")
    await control.pause(planned.server, daily.name, "ben: broken printer")
    late = await page.send("pause", reason="holiday")
    assert late.status == 409
    assert "somebody else has paused it already. ben: broken printer" in late.notice
    assert (await planned.found("daily")).proto.state.notes == "ben: broken printer"


async def test_the_same_form_sent_twice_starts_one_run(
    office: Office, otto: Browser, planned: Desk, daily: Schedule
) -> None:
    """A double click would charge twice."""
    page = await (await otto.get(f"/schedules/{daily.name}")).follow("Start one run now …")
    form = page.form("trigger")
    posts = (otto.http.post(form.action, data=form.fields) for _ in range(3))
    told = [Page.of(otto, answer) for answer in await asyncio.gather(*posts)]
    assert all("One run was started" in one.notice for one in told)
    # A console that was started anew knows it by the audit trail.
    del office.services.schedule_acts
    again = await page.send("trigger")
    assert again.status == 409
    assert "was sent before" in again.notice

    async def started() -> bool:
        return (await planned.found("daily")).info.action_count > 0

    await until_async(started)
    assert (await planned.found("daily")).info.action_count == 1


async def test_every_act_is_in_the_audit_trail(
    office: Office, otto: Browser, daily: Schedule
) -> None:
    page = await otto.get(f"/schedules/{daily.name}")
    await page.send("pause", reason="stocktaking")
    await page.send("pause", reason="again", act="another")
    lines = (await office.get("udo", "/audit", actor="otto"))["items"]
    assert [one["event"] for one in lines] == [
        "schedule_paused",
        "schedule_paused",
        "schedule_act_failed",
    ]
    assert lines[0]["data"] == {"schedule": daily.name, "reason": "stocktaking"}


async def test_who_is_no_operator_looks_only(office: Office, daily: Schedule) -> None:
    for person in ("anna", "udo"):
        browser = await Browser.of(office, person)
        page = await browser.get(f"/schedules/{daily.name}")
        assert page.status == 200
        assert not [one for one in page.forms if daily.name in one.action]
        for path in ("trigger", f"backfill?{_JANUARY}"):
            assert (await browser.get(f"/schedules/{daily.name}/{path}")).status == 403
        token = page.form("logout").fields["form"]
        for kind in ("pause", "unpause", "trigger", "backfill"):
            answer = await browser.http.post(
                f"/schedules/{daily.name}/{kind}", data={"form": token, "act": "x", "reason": "y"}
            )
            assert answer.status_code == 403


async def test_forms_from_elsewhere_do_nothing(
    otto: Browser, planned: Desk, daily: Schedule
) -> None:
    page = await otto.get(f"/schedules/{daily.name}")
    assert (await page.send("pause", reason="x", form="forged")).status == 403
    assert (await page.send("pause", reason="x", act="")).status == 422
    assert not (await planned.found("daily")).proto.state.paused


async def test_while_temporal_is_away_nothing_is_done(
    office: Office, otto: Browser, planned: Desk, daily: Schedule
) -> None:
    page = await otto.get(f"/schedules/{daily.name}")
    temporal = office.services.temporal
    office.outage.error = ServerError("away")
    temporal._client = None  # pyright: ignore[reportPrivateUsage] - as if it had just been started
    refused = await page.send("pause", reason="x")
    assert refused.status == 503
    office.outage.error = None
    assert not (await planned.found("daily")).proto.state.paused
    # The same words, sent again from a fresh page, count.
    page = await otto.get(f"/schedules/{daily.name}")
    assert "Paused." in (await page.send("pause", reason="x")).notice


async def test_a_schedule_that_is_gone(otto: Browser, planned: Desk, daily: Schedule) -> None:
    page = await otto.get(f"/schedules/{daily.name}")
    await planned.server.delete(daily.name)
    assert (await page.send("pause", reason="x")).status == 404


async def test_a_run_that_was_left_out_is_not_said_to_be_started(
    otto: Browser, planned: Desk, daily: Schedule
) -> None:
    page = await otto.get(f"/schedules/{daily.name}/trigger")
    assert "One run was started" in (await page.send("trigger")).notice
    page = await otto.get(f"/schedules/{daily.name}/trigger")
    refused = await page.send("trigger")
    assert refused.status == 409
    assert "the run before goes on" in refused.notice


async def test_others_schedules_are_not_touched(otto: Browser, planned: Desk) -> None:
    """Of what Musterwerk has not put there it keeps its hands off."""
    action = ScheduleActionStartWorkflow("Idle", id="foreign", task_queue="nobody")
    foreign = Foreign(action=action, spec=ScheduleSpec())
    handle = await planned.client.create_schedule(planned.name("foreign"), foreign)
    assert (await otto.get(f"/schedules/{handle.id}")).status == 404
    assert (await otto.get(f"/schedules/{handle.id}/backfill?{_JANUARY}")).status == 404
    page = await otto.get("/schedules")
    token = page.form("logout").fields["form"]
    pausing = {"form": token, "act": "x", "reason": "y"}
    answer = await otto.http.post(f"/schedules/{handle.id}/pause", data=pausing)
    assert answer.status_code == 404
    assert not (await handle.describe()).schedule.state.paused
    await handle.delete()


async def test_a_backfill_is_looked_at_first_and_then_done(
    otto: Browser, planned: Desk, daily: Schedule
) -> None:
    page = await otto.get(f"/schedules/{daily.name}/backfill?{_JANUARY}")
    assert page.status == 200
    assert "Start 31 runs?" in page.text
    assert "93 actions" in page.text
    assert await _runs(planned, daily) == 0
    page = await _backfilled(await page.send("backfill"))
    assert "Made up: 31 runs are there." in page.notice
    assert await _runs(planned, daily) == 31
    page = await otto.get(f"/schedules/{daily.name}/backfill?{_JANUARY}")
    assert "Nothing is missing" in page.notice
    assert not [one for one in page.forms if "digest" in one.fields]


async def test_what_was_shown_is_what_is_started(
    otto: Browser, planned: Desk, daily: Schedule
) -> None:
    """Between the look and the click somebody changed the schedule: it would start other runs."""
    page = await otto.get(f"/schedules/{daily.name}/backfill?{_JANUARY}")
    await planned.apply(planned.schedule("daily", cron("0 6,18 * * *")))
    page = await page.send("backfill")
    assert page.status == 409
    assert "has changed since you looked" in page.notice
    assert "Start 62 runs?" in page.text
    assert await _runs(planned, daily) == 0


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ("from=2024-01-31T00:00&until=2024-01-01T00:00", "The end is before the start"),
        ("from=2020-01-01T00:00&until=2024-01-01T00:00", "more than a page looks through"),
        ("from=2024-01-01T00:00&until=2024-01-03T00:00", "runs are missing, and at most"),
        ("from=2024-01-01T00:00&until=2024-01-30T00:00", "more than a page looks through"),
    ],
)
async def test_what_is_too_much_for_a_page_is_for_the_command_line(
    otto: Browser, planned: Desk, ledger: Ledger, span: str, words: str
) -> None:
    one = planned.schedule("minutes", cron("* * * * *"))
    await planned.apply(one)
    page = await otto.get(f"/schedules/{one.name}/backfill?{span}")
    assert page.status == 422
    assert words in page.notice
    assert not [form for form in page.forms if "digest" in form.fields]
    if "end is" not in words:
        assert f"musterwerk schedules backfill {one.name} --from 20" in page.text


async def test_times_of_a_backfill_are_the_viewers(
    office: Office, otto: Browser, planned: Desk, daily: Schedule
) -> None:
    office.services.people.change("otto", zone="Europe/Berlin", actor="test", channel="cli")
    # 06:00 UTC is 07:00 in Berlin.
    span = "from=2024-01-01T06:30&until=2024-01-02T06:30"
    page = await otto.get(f"/schedules/{daily.name}/backfill?{span}")
    assert "1 Jan 2024, 07:00 CET" in page.text
    assert "Start one run?" in page.text
    assert (await otto.get(f"/schedules/{daily.name}/backfill?from=x&until=y")).status == 422
