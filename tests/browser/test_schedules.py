"""Schedules in a real browser: the calendar, one schedule, pausing, making up for runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.async_api import Page, expect
from temporalio.client import Client

from musterwerk.schedules import Schedule, control, cron
from tests.browser.conftest import LogIn
from tests.browser.test_looks import PHONE, serious
from tests.console.office import Office
from tests.console.pages.schedules import MINUTE, NOON, Ledger, fire, incident, row
from tests.schedules.server.conftest import Desk, desk_of


@pytest.fixture
async def planned(client: Client) -> AsyncIterator[Desk]:
    async with desk_of(client) as desk:
        yield desk


@pytest.fixture
async def daily(desk: Office, planned: Desk) -> Schedule:
    """On the server, and in the ledger with a run of each verdict."""
    one = planned.schedule("daily", cron("0 6 * * *", tz="Europe/Berlin"), owner="finance")
    await planned.apply(one)
    ledger = Ledger(desk)
    verdicts = ("ran", "late", "failed", "skipped", "missed", "paused", "dropped", "waiting", "ran")
    fires = [fire(one.name, NOON + at * MINUTE, word) for at, word in enumerate(verdicts)]
    known = row(one.name, declared=one.as_json(), last_good_at=NOON)
    ahead = tuple(desk.services.now() + timedelta(hours=at) for at in range(1, 50))
    ledger.has(known, *fires, incidents=(incident(one.name, NOON),), coming=ahead)
    for number in range(20):
        name = f"a-job-with-a-name-that-is-rather-long-{number}"
        ledger.has(row(name, drifted=True), *(fire(name, NOON + at * MINUTE) for at in range(9)))
    return one


def _pages(one: Schedule) -> list[str]:
    here = f"/schedules/{one.name}"
    return [
        "/schedules",
        "/schedules?state=paused",
        "/schedules/calendar?date=2026-11-28",
        "/schedules/calendar",
        "/schedules/calendar?view=week&date=2026-11-28",
        f"/schedules/calendar?view=day&date=2026-11-28&schedule={one.name}",
        here,
        f"{here}/trigger",
        f"{here}/backfill?from=2024-01-01T00:00&until=2024-01-31T00:00",
        f"{here}/backfill?from=2014-01-01T00:00&until=2024-01-31T00:00",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious(
    daily: Schedule, log_in: LogIn, scheme: Literal["light", "dark"]
) -> None:
    page = await log_in("otto", color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    for path in _pages(daily):
        await page.goto(path)
        assert not await serious(page), path
    # The refusals themselves (422) are all that the browser has to say.
    assert not [one for one in said if "422" not in one]


async def test_nothing_is_wider_than_a_phone(daily: Schedule, log_in: LogIn) -> None:
    page = await log_in("otto", viewport=PHONE, has_touch=True, is_mobile=True)
    for path in _pages(daily):
        await page.goto(path)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path


async def test_from_the_calendar_to_the_schedule(daily: Schedule, log_in: LogIn) -> None:
    page = await log_in("anna")
    await page.get_by_role("link", name="Calendar").click()
    await page.get_by_label("Date").fill("2026-11-28")
    await page.get_by_label("Schedule").fill(daily.name)
    await page.get_by_role("button", name="Show").click()
    await page.get_by_role("link", name="28 Nov").click()
    await expect(page.get_by_role("heading", name="Saturday, 28 November 2026")).to_be_visible()
    await page.get_by_role("link", name=daily.name).first.click()
    await expect(page.get_by_role("heading", name=daily.name)).to_be_visible()
    chart = page.get_by_role("img", name="Duration: usually 30 secs")
    await expect(chart).to_be_visible()
    assert await page.evaluate(
        "[...document.querySelectorAll('.chart rect')].every(one => one.getBBox().height >= 1)"
    )


async def test_by_keyboard(daily: Schedule, log_in: LogIn) -> None:
    page = await log_in("anna")
    await page.keyboard.press("s")
    await page.wait_for_url("**/schedules")
    for key in ("j", "j", "k", "Enter"):
        await page.keyboard.press(key)
    await page.wait_for_url("**/schedules/a-job*")
    await page.keyboard.press("c")
    await page.wait_for_url("**/schedules/calendar")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**view=day**")
    await page.keyboard.press("?")
    await expect(page.get_by_text("to the calendar")).to_be_visible()


async def test_pausing_and_continuing(daily: Schedule, planned: Desk, log_in: LogIn) -> None:
    page = await log_in("otto")
    await page.goto(f"/schedules/{daily.name}")
    await page.get_by_text("Pause", exact=True).click()
    await page.get_by_label("Reason").fill("stocktaking")
    await page.get_by_role("button", name="Pause it").dblclick()
    await expect(page.get_by_text("Paused.", exact=True)).to_be_visible()
    assert (await planned.found("daily")).proto.state.notes == "Otto (otto): stocktaking"
    await page.get_by_role("button", name="Continue it").click()
    await expect(page.get_by_text("It goes on.", exact=True)).to_be_visible()
    assert not (await planned.found("daily")).proto.state.paused


async def test_a_page_follows_what_somebody_else_does(
    daily: Schedule, planned: Desk, log_in: LogIn
) -> None:
    """An operator looks at what was, and acts on it."""
    page = await log_in("otto")
    await page.clock.install()
    await page.goto(f"/schedules/{daily.name}")
    await page.get_by_text("Make up for runs").click()
    await page.get_by_label("From").fill("2024-01-01T00:00")
    await control.pause(planned.server, daily.name, "by somebody else")
    await page.clock.run_for(31_000)
    await expect(page.get_by_text("by somebody else")).to_be_visible()
    assert await page.get_by_label("From").input_value() == "2024-01-01T00:00"
    await control.unpause(planned.server, daily.name, "all is well")
    await page.clock.run_for(31_000)
    await expect(page.get_by_text("all is well")).to_be_visible()


async def _made_up(page: Page, words: str, *, scripts: bool) -> None:
    """With scripts the page follows by itself; else it is loaded until it says that it is done."""
    if scripts:
        await expect(page.get_by_text(words)).to_be_visible()
    while not await page.get_by_text(words).count():
        await page.get_by_role("status").get_by_role("link", name="Reload").click()


@pytest.mark.parametrize("scripts", [True, False])
async def test_making_up_for_runs_after_a_look(
    daily: Schedule, planned: Desk, log_in: LogIn, scripts: bool
) -> None:
    page = await log_in("otto", java_script_enabled=scripts)
    await page.goto(f"/schedules/{daily.name}")
    await page.get_by_text("Make up for runs").click()
    await page.get_by_label("From").fill("2024-01-01T00:00")
    await page.get_by_label("To", exact=True).fill("2024-01-10T23:59")
    await page.get_by_role("button", name="Look …").click()
    await expect(page.get_by_role("heading", name="Start 10 runs?")).to_be_visible()
    await page.get_by_role("button", name="Start them").click()
    await page.wait_for_url("**act=**")
    await _made_up(page, "Made up: 10 runs are there.", scripts=scripts)
    query = f"TemporalScheduledById = '{daily.name}'"
    assert (await planned.client.count_workflows(query)).count == 10


async def test_german(desk: Office, daily: Schedule, log_in: LogIn) -> None:
    desk.services.people.change("otto", language="de", actor="test", channel="cli")
    page = await log_in("otto", locale="de-DE")
    await page.get_by_role("link", name="Kalender").click()
    await expect(page.get_by_role("link", name="Monat")).to_be_visible()
    await page.goto(f"/schedules/{daily.name}")
    await page.get_by_text("Anhalten", exact=True).first.click()
    await page.get_by_label("Begründung").fill("Inventur")
    await page.get_by_role("button", name="Anhalten").click()
    await expect(page.get_by_text("Angehalten.", exact=True)).to_be_visible()
