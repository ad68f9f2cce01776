"""Many schedules due in the same second: how late their runs begin, as the ledger has it."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, every
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.ledger.sweep import Sweeper
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import ScheduleServer
from musterwerk.store import Store, database_url
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_reading import FireSearch, search_fires
from musterwerk.store.ledger_rows import FireRow

_QUEUE = "bench"


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None: ...


async def measure(count: int, rounds: int, seconds: int) -> dict[str, Any]:
    """`late_ms`: of all runs of some rounds: `count` schedules in one of `seconds` each."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), ui=False) as running:
            client = await connect(running.address, isolated=True)
            store = Store(database_url(Path(folder), {}))
            try:
                async with Worker(
                    client,
                    task_queue=_QUEUE,
                    workflows=[Nothing],
                    workflow_runner=UnsandboxedWorkflowRunner(),
                ):
                    rows = await _rounds(client, store, count, rounds, seconds)
            finally:
                store.close()
    late = sorted((row.started_at - row.due).total_seconds() for row in rows if row.started_at)
    return {
        "schedules": count,
        "runs": len(late),
        "p50_ms": round(quantiles(late, n=100)[49] * 1000),
        "p99_ms": round(quantiles(late, n=100)[98] * 1000),
    }


async def _rounds(
    client: Client, store: Store, count: int, rounds: int, seconds: int
) -> list[FireRow]:
    server, table = ScheduleServer(client), LedgerTable(store)
    sweeper = Sweeper(server, table)
    await sweeper.sweep()
    when, grace = every(f"{seconds}s"), timedelta(minutes=1)
    several = tuple(
        Schedule(f"bench-{n}", Nothing, task_queue=_QUEUE, when=when, grace=grace)
        for n in range(count)
    )
    plan = await make_plan(server, Declaration("bench", "bench", several))
    failed = [one.flaw for one in await apply_plan(server, plan) if one.flaw]
    if failed:
        raise RuntimeError(failed[0])
    while True:
        await sweeper.sweep()
        with store.read() as connection:
            found = search_fires(connection, FireSearch(limit=10_000)).fires
        whole = [one for one in found if one.started_at]
        # The first round may be due while they are still being made.
        dues = sorted({one.due for one in whole})[1 : rounds + 1]
        rows = [one for one in whole if one.due in dues]
        if len(rows) == count * rounds:
            return rows
        await asyncio.sleep(1)
