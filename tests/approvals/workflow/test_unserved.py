"""No worker is there, and people decide all the same."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
    WorkflowUpdateHandle,
)

from musterwerk.approvals import ApprovalHandle, Policy
from musterwerk.approvals.acts import Comment, Decide
from tests.approvals.desk import Desk
from tests.waiting import PATIENCE, until_async


async def test_decided_while_nobody_works(desk: Desk) -> None:
    """It is recorded by the server, and taken once, however often it was sent."""
    async with desk.worker():
        handle = await desk.ask(Policy(approvers=("group:finance",), quorum=2))
        await handle.status()
    unserved = desk.unserved().handle(handle.id)
    first = await unserved.approve(by="anna", act_id="a-1")
    again = await unserved.approve(by="anna", act_id="a-1")
    assert (first.verdict, again.verdict) == ("recorded", "recorded")
    async with desk.worker():
        found = await handle.reply("a-1", wait=PATIENCE)
        assert found is not None
        assert found.verdict == "applied"
        await handle.approve(by="ben")
        decision = await handle.result()
    assert [vote.person for vote in decision.votes] == ["anna", "ben"]


async def test_in_time_though_it_could_only_be_looked_at_later(desk: Desk) -> None:
    async with desk.worker():
        policy = Policy(approvers=("anna",), expires_after=timedelta(seconds=8))
        handle = await desk.ask(policy)
        await handle.status()
        late = await desk.ask(policy)
        last = (await late.status()).expires_at
    unserved = desk.unserved()
    assert (await unserved.handle(handle.id).approve(by="anna")).verdict == "recorded"
    assert last is not None
    end = last + timedelta(seconds=1)

    async def over() -> bool:
        return datetime.now(UTC) > end

    await until_async(over)
    too_late = await unserved.handle(late.id).approve(by="anna", act_id="late")
    assert too_late.verdict == "recorded"
    async with desk.worker():
        assert (await handle.result()).state == "approved"
        assert (await late.result()).state == "expired"
        reply = await late.reply("late", wait=PATIENCE)
    assert reply is not None
    assert reply.verdict == "closed"


async def test_what_was_done_in_time_comes_before_what_was_said_later(desk: Desk) -> None:
    """Nobody works; the decision reaches the server after a comment that was made too late."""
    async with desk.worker():
        handle = await desk.ask(Policy(approvers=("anna",), expires_after=timedelta(seconds=8)))
        status = await handle.status()
    end = status.expires_at
    assert end is not None
    raw = desk.client.get_workflow_handle(handle.id)

    async def over() -> bool:
        return datetime.now(UTC) > end

    await until_async(over)
    said = Comment(id="c", by="ben", text="too late?", made_at=end + timedelta(milliseconds=1))
    done = Decide(id="d", by="anna", outcome="approve", made_at=end - timedelta(seconds=1))
    await raw.signal("act", said.as_json())
    await raw.signal("act", done.as_json())
    async with desk.worker():
        assert (await handle.result()).state == "approved"


class Sending(Interceptor, OutboundInterceptor):
    """Tells when an update is being sent."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        OutboundInterceptor.__init__(self, next)
        return self

    async def start_workflow_update(
        self, input: StartWorkflowUpdateInput
    ) -> WorkflowUpdateHandle[Any]:
        asyncio.get_running_loop().call_soon(self.begun.set)  # when the call below waits
        return await super().start_workflow_update(input)


async def test_who_is_cancelled_while_deciding_has_not_decided(desk: Desk) -> None:
    """Nobody answers, so the decision waits; cancelled now, it must not go out as a signal."""
    async with desk.worker():
        handle = await desk.ask()
        await handle.status()
    sending = Sending()
    config = desk.client.config()
    config["interceptors"] = [sending]
    hasty = ApprovalHandle(Client(**config), handle.id, patience=desk.patience)
    deciding = asyncio.create_task(hasty.approve(by="anna", act_id="never"))
    await sending.begun.wait()  # it is on its way to a worker that is not there
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    history = await desk.client.get_workflow_handle(handle.id).fetch_history()
    assert not any(
        event.HasField("workflow_execution_signaled_event_attributes") for event in history.events
    )
