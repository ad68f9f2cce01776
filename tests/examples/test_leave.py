"""Leave: substitution, levels and working days, in seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from examples.leave.__main__ import DAY, company, forgotten, granted, refused
from examples.leave.workflow import Leave, Wish
from examples.office import QUEUE, Office, office


@pytest.fixture
async def here() -> AsyncIterator[Office]:
    async with office() as one, one.worker(Leave):
        await one.monday()
        await company(one)
        yield one


async def test_granted_by_who_stands_in_and_by_hr(here: Office) -> None:
    assert await granted(here) == "approved"
    decision = await (await here.asked("leave:nora:2027-08-02")).result()
    assert [(v.person, v.on_behalf_of, v.level) for v in decision.votes] == [
        ("ben", "lena", 0),
        ("hanna", None, 1),
    ]


async def test_hr_refuses_what_the_lead_granted(here: Office) -> None:
    assert await refused(here) == "rejected: no days left in this year"


async def test_nobody_looks_at_it(here: Office) -> None:
    """Ten working days are two weeks at least, whatever the holidays."""
    began = await here.now()
    assert await forgotten(here) == "rejected: nobody decided in time"
    decision = await (await here.asked("leave:nora:2027-12-27")).result()
    assert decision.at - began >= 14 * DAY
    assert decision.state == "expired"


async def test_nobody_grants_their_own_leave(here: Office) -> None:
    """Nor does the lead's substitute grant their own: Lena is back after two weeks."""
    wish = await here.client.start_workflow(
        Leave.run, Wish("ben", "lena", "2027-03-01", "2027-03-02"), id="ben", task_queue=QUEUE
    )
    request = await here.asked("leave:ben:2027-03-01")
    assert (await request.approve(by="ben")).verdict == "excluded"
    assert (await request.approve(by="lena")).ok
    assert (await request.approve(by="hanna")).ok
    assert await here.result(wish) == "approved"
