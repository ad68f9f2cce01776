"""How requests end, from outside too, and what they tell afterwards."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime
from pathlib import Path

import pytest

from musterwerk.approvals import Policy
from musterwerk.approvals.retained import retained
from musterwerk.store import InboxTable
from musterwerk.store.audit import AuditTrail, Filter
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.auditing import verify
from musterwerk.store.telling import Telling
from tests.approvals.desk import Desk
from tests.resetting import reset_to, task_after
from tests.waiting import LIMIT


async def test_a_cancelled_request_is_withdrawn(served: Desk) -> None:
    handle = await served.ask()
    await handle.status()
    await served.client.get_workflow_handle(handle.id).cancel()
    decision = await handle.result()
    assert (decision.state, decision.approved) == ("withdrawn", False)


async def test_asked_after_its_end_it_still_tells(served: Desk) -> None:
    handle = await served.ask()
    await handle.approve(by="anna")
    await handle.result()
    assert (await handle.status()).state == "approved"


async def test_too_late_after_the_workflow_is_closed(served: Desk) -> None:
    handle = await served.ask()
    first = await handle.approve(by="anna", act_id="mine")
    await handle.result()
    late = await handle.reject("no", by="ben")
    assert (late.verdict, late.by) == ("closed", ("anna",))
    assert await handle.approve(by="anna", act_id="mine") == first


async def test_ended_from_outside(served: Desk) -> None:
    handle = await served.ask()
    await handle.status()
    await served.client.get_workflow_handle(handle.id).terminate()
    reply = await handle.approve(by="anna")
    assert (reply.verdict, "from outside" in reply.message) == ("closed", True)


async def test_ended_from_outside_while_somebody_decides(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision was taken up, and will never be answered by the workflow."""
    writing, ended = threading.Event(), threading.Event()
    write = InboxTable.write

    def slow(self: InboxTable, told: Telling, at: datetime) -> None:
        if told.entries[0].event == "decided":
            writing.set()
            assert ended.wait(20)
        write(self, told, at)

    monkeypatch.setattr(InboxTable, "write", slow)
    async with desk.worker():
        handle = await desk.ask()
        await handle.status()
        deciding = asyncio.create_task(handle.approve(by="anna"))
        assert await asyncio.to_thread(writing.wait, LIMIT)
        await desk.client.get_workflow_handle(handle.id).terminate()
        ended.set()
        reply = await deciding
    assert (reply.verdict, "from outside" in reply.message) == ("closed", True)


async def test_after_a_reset_a_new_story_begins(desk: Desk, tmp_path: Path) -> None:
    """The trail keeps what was before, and does not cry wolf."""
    folder = AuditFolder(tmp_path / "audit")
    async with desk.worker():
        handle = await desk.ask(Policy(approvers=("group:finance",), quorum=2))
        await handle.approve(by="anna")
        raw = desk.client.get_workflow_handle(handle.id)
        await reset_to(desk.client, raw, await task_after(raw, "musterwerk.approval_record"))

        await handle.reject("not any more", by="ben")
        assert (await handle.result()).state == "rejected"
        told = await retained(desk.client, desk.queue)
    row = desk.inbox.get(handle.id)
    assert row is not None
    assert row.status["state"] == "rejected"
    # Temporal sends again what was sent before: anna's consent is in both stories.
    events = [entry.event for entry in desk.inbox.entries(handle.id)]
    assert events == ["reset", "decided", "decided", "ended"]
    trail = AuditTrail(desk.store).latest(50, Filter(request_id=handle.id))
    decided = [line.actor for line in trail if line.event == "decided"]
    assert decided == ["anna", "anna", "ben"]
    verdict = verify(desk.store, folder, executions=lambda: told.executions)
    assert verdict.deviation is None
