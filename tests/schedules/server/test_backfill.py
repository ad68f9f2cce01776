"""Runs that have not been are started once, whoever is interrupted, and with jitter too."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from musterwerk.schedules import cron
from musterwerk.schedules.backfill import do_backfill, make_backfill
from tests.schedules.server.conftest import Desk
from tests.waiting import until_async

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, 23, 59, tzinfo=UTC)


@workflow.defn(name="Idle")
class Idle:
    @workflow.run
    async def run(self) -> None: ...


async def test_with_jitter_the_same_runs_are_known_again(desk: Desk) -> None:
    """The server starts them later than they are due: each would be started again and again."""
    one = desk.schedule("daily", cron("0 6 * * *", jitter="30m"))
    await desk.apply(one)
    plan = await make_backfill(desk.server, one.name, FIRST, LAST)
    assert [f"{due:%d %H:%M:%S}" for due in plan.due] == [f"{n:02} 06:00:00" for n in range(1, 32)]
    assert await do_backfill(desk.server, plan) == 31
    again = await make_backfill(desk.server, one.name, FIRST, LAST)
    assert (len(again.due), again.missing) == (31, ())


async def test_an_interrupted_one_goes_on_and_doubles_nothing(desk: Desk) -> None:
    """The server goes on with what it was asked; what is asked again meanwhile ran twice."""
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    until = datetime(2024, 3, 31, 23, 59, tzinfo=UTC)
    idle = Worker(
        desk.client,
        task_queue=one.task_queue,
        workflows=[Idle],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with idle:
        plan = await make_backfill(desk.server, one.name, FIRST, until)
        first = asyncio.create_task(do_backfill(desk.server, plan))

        async def begun() -> bool:
            return (await desk.found("daily")).info.action_count > 0

        await until_async(begun)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        again = await make_backfill(desk.server, one.name, FIRST, until)
        await do_backfill(desk.server, again)
        query = f"TemporalScheduledById = '{one.name}'"

        async def all_there() -> bool:
            return await _count(desk, query) >= len(plan.due)

        await until_async(all_there)
    runs = Counter([run.id async for run in desk.client.list_workflows(query)])
    assert len(runs) == len(plan.due)
    assert set(runs.values()) == {1}


async def _count(desk: Desk, query: str) -> int:
    return (await desk.client.count_workflows(query)).count
