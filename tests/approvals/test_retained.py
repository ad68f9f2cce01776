"""The audit trail of real requests, compared with what Temporal retains of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from musterwerk.approvals.policy import Policy
from musterwerk.approvals.retained import retained
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.auditing import Asked, Verdict, verify
from musterwerk.store.checkpoints import Checkpointer
from tests.approvals.desk import Desk
from tests.approvals.people import START
from tests.waiting import until_async


@pytest.fixture
async def served(desk: Desk) -> AsyncIterator[Desk]:
    """With the cache only: without it each question would interrupt what the request is at."""
    async with desk.worker():
        yield desk


async def compared(desk: Desk, folder: AuditFolder, told: Asked) -> Verdict:
    return await asyncio.to_thread(verify, desk.store, folder, executions=lambda: told.executions)


async def test_the_trail_is_what_temporal_says(served: Desk, tmp_path: Path) -> None:
    folder = AuditFolder(tmp_path / "audit")
    two = Policy(approvers=("group:finance",), quorum=2)
    ended, waits = await served.ask(two), await served.ask(two)
    for person in ("anna", "ben"):
        assert (await ended.approve(by=person)).ok
    assert (await ended.result()).approved
    assert (await waits.approve(by="anna")).ok
    # On a queue of its own: others on the same server have databases of their own.
    told = Asked(())

    async def listed() -> bool:
        """What is listed lags behind."""
        nonlocal told
        told = await retained(served.client, served.queue)
        return {(one.request_id, one.may_grow) for one in told.executions} == {
            (ended.id, False),
            (waits.id, True),
        }

    await until_async(listed)
    assert told.silent == ()

    verdict = await compared(served, folder, told)
    assert (verdict.deviation, verdict.executions) == (None, 2)
    await asyncio.to_thread(Checkpointer(served.store, folder).make, START)

    # The trail of a day before that: only Temporal knows better.
    with served.store.begin() as connection:
        connection.execute(text("DROP TRIGGER musterwerk_audit_no_delete"))
        connection.execute(
            text(
                "DELETE FROM musterwerk_audit WHERE seq >= (SELECT max(seq) FROM musterwerk_audit"
                " WHERE event = 'ended')"
            )
        )
    folder.checkpoints_file.unlink()
    assert (await asyncio.to_thread(verify, served.store, folder)).ok
    verdict = await compared(served, folder, told)
    assert verdict.deviation is not None
    # Both lack entries now; whichever is named first.
    assert any(handle.id in verdict.deviation.what for handle in (ended, waits))
