"""A workflow asks people, and something happens to it: nobody decides for who is gone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.worker import Worker

from musterwerk.approvals import ApprovalHandle, Decision
from musterwerk.errors import ApprovalNotFound
from musterwerk.runtime.server import EmbeddedServer
from tests.approvals import parents
from tests.approvals.desk import Desk
from tests.approvals.parents import Asking, Catching, Report, Typed, Undoing
from tests.waiting import LIMIT, until_async


@dataclass
class Shop:
    """The user's side: a client with Temporal's own converter, and a queue of its own."""

    client: Client
    desk: Desk
    queue: str
    id: str

    async def start(self, run: Callable[..., Any], *more: str) -> WorkflowHandle[Any, Any]:
        return await self.client.start_workflow(
            run, args=[self.id, self.desk.queue, *more], id=f"{self.id}-asks", task_queue=self.queue
        )

    @property
    def request(self) -> ApprovalHandle[Any]:
        return self.desk.handle(self.id)

    async def asked(self) -> None:
        """Until people have been asked."""

        async def begun() -> bool:
            try:
                return (await self.request.status()).state == "open"
            except ApprovalNotFound:
                return False

        await until_async(begun)

    async def ended(self) -> Decision[Any]:
        decision = await self.request.result()
        late = await self.request.approve(by="anna")
        assert late.verdict == "closed"
        entries = await asyncio.to_thread(self.desk.inbox.entries, self.id)
        assert entries[-1].event == "ended"
        return decision


@pytest.fixture
async def shop(temporal_server: EmbeddedServer, desk: Desk) -> AsyncIterator[Shop]:
    client = await Client.connect(temporal_server.address)
    queue = f"shop-{uuid.uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=parents.ALL,
        activities=[parents.hold, parents.free],
    ):
        yield Shop(client, desk, queue, f"r-{uuid.uuid4()}")


@pytest.fixture
async def served_shop(shop: Shop) -> AsyncIterator[Shop]:
    async with shop.desk.worker():
        yield shop


async def test_a_decision_reaches_who_asked(served_shop: Shop) -> None:
    asking = await served_shop.start(Asking.run)
    await served_shop.asked()
    assert (await served_shop.request.approve(by="anna")).ok
    assert await asking.result() == "approved"
    row = served_shop.desk.inbox.get(served_shop.id)
    assert row is not None
    assert row.parent == asking.id


async def test_a_rejection_is_a_result(served_shop: Shop) -> None:
    asking = await served_shop.start(Asking.run)
    await served_shop.asked()
    await served_shop.request.reject("too much", by="ben")
    assert await asking.result() == "rejected: too much"


async def test_withdrawn_is_a_result(served_shop: Shop) -> None:
    asking = await served_shop.start(Asking.run)
    await served_shop.asked()
    await served_shop.request.withdraw("not needed", by="shop")
    assert await asking.result() == "rejected: not needed"


async def test_cancelled(served_shop: Shop) -> None:
    asking = await served_shop.start(Asking.run)
    await served_shop.asked()
    await asking.cancel()
    with pytest.raises(WorkflowFailureError):
        await asking.result()
    decision = await served_shop.ended()
    assert (decision.state, decision.outcome, decision.by) == ("withdrawn", "reject", (asking.id,))
    assert decision.reason


async def test_failed_in_another_branch(served_shop: Shop) -> None:
    asking = await served_shop.start(Asking.run, "fail")
    await served_shop.asked()
    await asking.signal(Asking.go)
    with pytest.raises(WorkflowFailureError):
        await asking.result()
    decision = await served_shop.ended()
    assert (decision.state, decision.by) == ("withdrawn", (asking.id,))


async def test_continued_as_new(served_shop: Shop) -> None:
    asking = await served_shop.start(Asking.run, "continue")
    await served_shop.asked()
    await asking.signal(Asking.go)
    assert await asking.result() == "continued"
    decision = await served_shop.ended()
    assert (decision.state, decision.by) == ("withdrawn", (asking.id,))


async def test_terminated(served_shop: Shop) -> None:
    """The last word that the server has of who asked: the request is told by the server alone."""
    asking = await served_shop.start(Asking.run)
    await served_shop.asked()
    await asking.terminate("by hand")
    decision = await served_shop.ended()
    assert (decision.state, decision.by) == ("withdrawn", (asking.id,))


async def test_nobody_serves_us_and_the_parent_is_not_held_up(shop: Shop) -> None:
    """The cancellation of the request waits in Temporal, and is the first thing a worker sees."""
    async with shop.desk.worker():
        asking = await shop.start(Asking.run)
        await shop.asked()
    await asking.cancel()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(asking.result(), LIMIT)
    described = await shop.desk.client.get_workflow_handle(shop.id).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    async with shop.desk.worker():
        assert (await shop.ended()).state == "withdrawn"


async def test_never_served_and_cancelled(shop: Shop) -> None:
    """Nobody was ever asked, and nobody will be."""
    asking = await shop.start(Asking.run)
    await _child_started(asking)
    await asking.cancel()
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(asking.result(), LIMIT)
    async with shop.desk.worker():
        decision = await shop.request.result()
    assert decision.state == "withdrawn"


async def test_a_typed_answer_is_the_model(served_shop: Shop) -> None:
    asking = await served_shop.start(Typed.run)
    await served_shop.asked()
    at = datetime(2026, 12, 1, 9, tzinfo=UTC)
    report = Report(clear=True, on=date(2026, 12, 1), at=at).model_dump(mode="json")
    assert (await served_shop.request.approve(by="anna", answer={"clear": 1})).verdict == "invalid"
    assert (await served_shop.request.approve(by="anna", answer=report)).ok
    assert await asking.result() == f"True 2026 {at.isoformat()}"


async def test_a_policy_that_can_never_be_met_undoes_the_saga(served_shop: Shop) -> None:
    asking = await served_shop.start(Undoing.run)
    with pytest.raises(WorkflowFailureError) as caught:
        await asking.result()
    assert "group:nobody has nobody in it" in str(caught.value.cause)
    undone = [
        event
        async for event in asking.fetch_history_events()
        if event.activity_task_scheduled_event_attributes.activity_type.name == "free"
    ]
    assert len(undone) == 1


async def test_it_can_be_caught_by_its_type(served_shop: Shop) -> None:
    asking = await served_shop.start(Catching.run)
    assert "nobody in it" in await asking.result()


async def _child_started(asking: WorkflowHandle[Any, Any]) -> None:
    async def started() -> bool:
        return any(
            [
                event.event_type == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED
                async for event in asking.fetch_history_events()
            ]
        )

    await until_async(started)
