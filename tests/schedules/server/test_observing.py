"""What a server adds to lint: workers that are not there, types they do not know, long runs."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.worker import Worker

from musterwerk.schedules import Schedule, When, cron
from musterwerk.schedules.lint import Finding
from musterwerk.schedules.observing import observe, overlaps
from tests.schedules.server.conftest import Desk
from tests.schedules.server.reports import Report, Slow
from tests.waiting import until_async

NOW = datetime(2026, 11, 28, tzinfo=UTC)


async def seen(desk: Desk, schedule: Schedule) -> dict[str, Finding]:
    return {one.rule: one for one in await observe(desk.server, [schedule], NOW)}


async def test_nobody_works_there(desk: Desk) -> None:
    found = await seen(desk, desk.schedule("alone", cron("0 6 * * *")))
    assert list(found) == ["no_worker"]


async def test_the_worker_itself_says_what_it_does_not_know(desk: Desk) -> None:
    wrong = desk.schedule("wrong", cron("0 6 * * *"), workflow="Repotr", task_queue=desk.prefix)
    async with Worker(desk.client, task_queue=desk.prefix, workflows=[Report]):
        handle = await desk.client.start_workflow("Repotr", id=desk.prefix, task_queue=desk.prefix)

        async def refused() -> bool:
            events = (await handle.fetch_history()).events
            return any(e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED for e in events)

        await until_async(refused)
        await until_async(lambda: listed(desk, "WorkflowType = 'Repotr'", 1))
        found = await seen(desk, wrong)
        assert list(found) == ["failing_task"]
        assert "Repotr is not registered on this worker" in found["failing_task"].message
        await handle.terminate()


async def test_what_is_nearly_spelled_as_what_runs_there(desk: Desk) -> None:
    async with Worker(desk.client, task_queue=desk.prefix, workflows=[Report]):
        await ran(desk, 1)
        fields = {"task_queue": desk.prefix}
        typo = desk.schedule("typo", cron("0 6 * * *"), workflow="Raport", **fields)
        assert "'Report': is it spelled so?" in (await seen(desk, typo))["unseen_type"].message
        new = desk.schedule("new", cron("0 6 * * *"), workflow="Invoicing", **fields)
        assert await seen(desk, new) == {}


async def test_how_long_runs_take_is_asked_of_those_that_ended(desk: Desk) -> None:
    every = When(every=timedelta(seconds=1))
    often = desk.schedule("often", every, workflow="Slow", task_queue=desk.prefix)
    async with Worker(desk.client, task_queue=desk.prefix, workflows=[Slow]):
        await ran(desk, 2, "Slow")
        assert await seen(desk, often) == {}  # of two runs nothing is usual
        await ran(desk, 3, "Slow")
        assert "are due sooner, 1 second after" in (await seen(desk, often))["self_overlap"].message


def test_runs_that_take_longer_than_until_the_next() -> None:
    often = Schedule("often", "Report", task_queue="reports", when=When(every=timedelta(minutes=5)))
    (found,) = overlaps(often, timedelta(minutes=12), NOW)
    assert found.message.startswith(
        "a run usually takes 12 minutes, and 1999 of the next 1999 are due sooner, 5 minutes after"
    )
    assert found.message.endswith('with overlap = "skip" they are skipped')
    assert not list(overlaps(often, timedelta(minutes=4), NOW))
    beside = often.model_copy(update={"overlap": "allow_all"})
    assert not list(overlaps(beside, timedelta(minutes=12), NOW))


async def ran(desk: Desk, times: int, kind: str = "Report") -> None:
    names = [f"{desk.prefix}-{uuid.uuid4().hex[:6]}" for _ in range(times)]
    queue = desk.prefix
    await asyncio.gather(
        *(desk.client.execute_workflow(kind, id=name, task_queue=queue) for name in names)
    )
    query = f"TaskQueue = '{desk.prefix}' AND ExecutionStatus = 'Completed'"
    await until_async(lambda: listed(desk, query, times))


async def listed(desk: Desk, query: str, least: int) -> bool:
    mine = f"{query} AND TaskQueue = '{desk.prefix}'"
    found = [one async for one in desk.client.list_workflows(mine)]
    return len(found) >= least
