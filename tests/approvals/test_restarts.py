"""A server of the test's own, to be stopped, or to be told when a history is long."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata

from musterwerk.approvals import Policy
from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.backlink import Backlink
from musterwerk.approvals.client import new_id
from musterwerk.errors import ServerError
from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import Store
from tests.approvals.desk import COMPANY, Desk
from tests.waiting import until_async

TWO = Policy(approvers=("group:finance",), quorum=2)


async def test_it_continues_as_new_and_forgets_nothing(tmp_path: Path, sqlite_store: Store) -> None:
    """A long discussion: the history is begun anew, the act ids and votes are kept."""
    long = {"limit.historyCount.suggestContinueAsNew": "60"}
    async with EmbeddedServer(tmp_path / "temporal", ui=False, dynamic_config=long) as server:
        desk = Desk(await connect(server.address, isolated=True), sqlite_store, "approvals")
        desk.people.apply(COMPANY, actor="test", channel="cli")
        leading_back = ApprovalActivities(
            sqlite_store, backlink=Backlink("https://console.example")
        )
        async with desk.worker(leading_back):
            handle = await desk.ask(TWO, details={"big": "x" * 100_000})
            first = await handle.approve(by="anna", act_id="first")
            raw = desk.client.get_workflow_handle(handle.id)
            before = (await raw.describe()).run_id

            async def continued() -> bool:
                await handle.comment("more", by="ben")
                return (await raw.describe()).run_id != before

            await until_async(continued)
            assert await handle.approve(by="anna", act_id="first") == first
            assert (await handle.status()).details == {"big": "x" * 100_000}
            metadata = await raw.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
            assert f"https://console.example/requests/{handle.id}" in metadata.current_details
            await handle.approve(by="ben")
            decision = await handle.result()
    assert [vote.person for vote in decision.votes] == ["anna", "ben"]
    assert desk.inbox.entries(handle.id)[-1].record == decision.record


async def test_decided_while_nobody_works_and_then_all_is_restarted(
    tmp_path: Path, sqlite_store: Store
) -> None:
    async with EmbeddedServer(tmp_path / "temporal", ui=False) as server:
        desk = Desk(await connect(server.address, isolated=True), sqlite_store, "approvals")
        desk.people.apply(COMPANY, actor="test", channel="cli")
        async with desk.worker():
            handle = await desk.ask(TWO)
            await handle.status()
        unserved = desk.unserved().handle(handle.id)
        assert (await unserved.approve(by="anna", act_id="once")).verdict == "recorded"
    with pytest.raises(ServerError, match="same again does no harm"):
        await unserved.approve(by="ben", act_id=new_id())
    async with EmbeddedServer(tmp_path / "temporal", ui=False) as server:
        desk = Desk(await connect(server.address, isolated=True), sqlite_store, "approvals")
        handle = desk.handle(handle.id)
        await desk.unserved().handle(handle.id).approve(by="anna", act_id="once")
        async with desk.worker():
            await handle.approve(by="ben")
            decision = await handle.result()
    assert [vote.person for vote in decision.votes] == ["anna", "ben"]
    entries = desk.inbox.entries(handle.id)
    assert [e.event for e in entries] == ["requested", "asked", "decided", "decided", "ended"]
