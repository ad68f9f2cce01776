"""The chapter's use: 7 days, escalation, 3 days, and its signals and query, under virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from examples.office import QUEUE, Office, office
from temporalio.client import WorkflowHandle

from musterwerk.store import InboxTable
from tests.approvals.chapter import Spending
from tests.approvals.desk import COMPANY

DAY = timedelta(days=1)
ID = "approval-12345"


@pytest.fixture
async def here() -> AsyncIterator[Office]:
    async with office() as one, one.worker(Spending):
        await one.people(**COMPANY)
        yield one


async def begun(here: Office) -> tuple[WorkflowHandle[Any, str], WorkflowHandle[Any, Any]]:
    """Whoever waits, and the request itself as the chapter's caller sees it."""
    spending = await here.client.start_workflow(
        Spending.run, "A new roof", id="spending", task_queue=QUEUE
    )
    await here.asked(ID)
    return spending, here.client.get_workflow_handle(ID)


async def words(request: WorkflowHandle[Any, Any]) -> dict[str, bool]:
    found = await request.query("get_status")
    return {word: found[word] for word in ("approved", "rejected", "pending")}


def told(here: Office, event: str) -> int:
    return sum(entry.event == event for entry in InboxTable(here.store).entries(ID))


async def test_approved_on_the_second_day(here: Office) -> None:
    spending, request = await begun(here)
    await here.later(2 * DAY)
    assert await words(request) == {"approved": False, "rejected": False, "pending": True}
    await request.signal("approve")
    assert await here.result(spending) == "approved"
    assert await words(request) == {"approved": True, "rejected": False, "pending": False}
    assert told(here, "escalated") == 0


async def test_rejected_by_the_manager_on_the_eighth_day(here: Office) -> None:
    """By name: before the week is over a manager has nothing to say."""
    spending, request = await begun(here)
    began = await here.now()
    named = await here.asked(ID)
    assert (await named.reject("no", by="mia")).verdict == "not_entitled"
    await here.later(8 * DAY)
    assert (await named.status()).escalated == 1
    assert (await named.reject("no budget", by="mia")).ok
    assert await here.result(spending) == "rejected: no budget"
    assert (await words(request))["rejected"] is True
    (vote,) = (await named.result()).votes
    assert vote.at - began >= 8 * DAY  # dated by the virtual clock, not by this machine's


async def test_rejected_by_signal(here: Office) -> None:
    spending, request = await begun(here)
    await here.later(8 * DAY)
    await request.signal("reject", "no budget")
    assert await here.result(spending) == "rejected: no budget"


async def test_nobody_decides(here: Office) -> None:
    """The chapter's own code dies of a timeout here that nobody catches, and tells nobody."""
    spending, request = await begun(here)
    began = await here.now()
    await here.later(11 * DAY)
    assert await here.result(spending) == "rejected: nobody decided in time"
    decision = await (await here.asked(ID)).result()
    assert timedelta(0) <= began + 10 * DAY - decision.at < timedelta(minutes=1)
    assert (decision.state, decision.by) == ("expired", ())
    assert told(here, "escalated") == 1
    assert await words(request) == {"approved": False, "rejected": True, "pending": False}


async def test_a_signal_sent_twice_counts_once(here: Office) -> None:
    spending, request = await begun(here)
    await request.signal("approve")
    assert await here.result(spending) == "approved"
    named = await here.asked(ID)
    assert len((await named.result()).votes) == 1
    late = await named.reject("no", by="anna")
    assert (late.verdict, late.state) == ("closed", "approved")
