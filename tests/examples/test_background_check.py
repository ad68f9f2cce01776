"""The background check: a report comes back as a report, and people may ask before that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from examples.background_check.__main__ import CHECKERS, DAY, checked, refused
from examples.background_check.workflow import BackgroundCheck, Candidate, Report
from examples.office import QUEUE, Office, office


@pytest.fixture
async def here() -> AsyncIterator[Office]:
    async with office() as one, one.worker(BackgroundCheck):
        await one.people(people=CHECKERS)
        yield one


async def test_asked_back_and_answered(here: Office) -> None:
    day = (await here.now() + 2 * DAY).date()
    assert await checked(here) == f"checked on {day}: clear"
    request = await here.asked("check:ada", Report)
    assert (await request.result()).answer == Report(checked_on=day)


async def test_findings(here: Office) -> None:
    check = await here.client.start_workflow(
        BackgroundCheck.run, Candidate("Eve", "1991-01-01"), id="eve", task_queue=QUEUE
    )
    request = await here.asked("check:eve", Report)
    report = Report(checked_on=date(2026, 12, 1), findings=["no such university"])
    assert (await request.approve(by="ivan", answer=report.model_dump(mode="json"))).ok
    assert await here.result(check) == "checked on 2026-12-01: no such university"


async def test_nothing_to_check(here: Office) -> None:
    found = await refused(here)
    assert found == "not checked, rejected: nothing can be checked without a date of birth"


async def test_nobody_checks(here: Office) -> None:
    check = await here.client.start_workflow(
        BackgroundCheck.run, Candidate("Max", "1992-02-02"), id="max", task_queue=QUEUE
    )
    await here.asked("check:max", Report)
    await here.later(15 * DAY)
    assert await here.result(check) == "not checked, rejected: nobody decided in time"


async def test_who_has_claimed_it_is_not_overtaken(here: Office) -> None:
    await here.client.start_workflow(
        BackgroundCheck.run, Candidate("Ida", "1993-03-03"), id="ida", task_queue=QUEUE
    )
    request = await here.asked("check:ida", Report)
    await request.claim(by="vera")
    report = Report(checked_on=date(2026, 12, 1)).model_dump(mode="json")
    assert (await request.approve(by="ivan", answer=report)).verdict == "claimed"
