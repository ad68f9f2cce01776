"""What only a server can tell of what is declared: who works there, and how long runs take.

No server knows which workflow types its workers know. A run that they could not begin tells it, in
the worker's own words; without one, only a type that nobody ever ran beside one that is spelled
nearly so is worth a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import islice, pairwise
from statistics import median

from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError

from musterwerk.errors import ServerError
from musterwerk.schedules.lint import Finding
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.model import Overlap, Schedule
from musterwerk.schedules.runs import quoted
from musterwerk.schedules.server import SIDE_BY_SIDE, ScheduleServer
from musterwerk.wire import in_words

_RPC = timedelta(seconds=10)
_RUNS, _OPEN, _TYPES = 20, 3, 200
#: Of fewer runs nothing is usual.
_USUAL_FROM = 3
_AHEAD, _MOST = timedelta(days=8), 2_000
_THEN: dict[Overlap, str] = {
    "skip": "are skipped",
    "buffer_one": "wait, and more than one are dropped",
    "buffer_all": "wait, ever more of them",
    "cancel_other": "cancel the one before",
    "terminate_other": "terminate the one before",
}


async def observe(
    server: ScheduleServer, schedules: Sequence[Schedule], now: datetime
) -> list[Finding]:
    """Raises `ServerError` while the server is away."""
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(schedule: Schedule) -> list[Finding]:
        async with few:
            found = [finding async for finding in _of_type(server, schedule)]
            return found + list(overlaps(schedule, await _usual(server, schedule), now))

    try:
        queues = await _unattended(server, {schedule.task_queue for schedule in schedules})
        found = await asyncio.gather(*map(one, schedules))
    except RPCError as error:
        raise ServerError(f"Temporal's server: {error.message or error.status.name}") from error
    missing = [_no_worker(one) for one in schedules if one.task_queue in queues]
    return [*missing, *(finding for several in found for finding in several)]


def overlaps(schedule: Schedule, usual: timedelta | None, now: datetime) -> Iterator[Finding]:
    """Pure. Of the coming days: whether a run usually takes longer than until the next one."""
    if usual is None or schedule.overlap == "allow_all":
        return
    dues = islice(meant(schedule.when, now, now + _AHEAD), _MOST)
    gaps = [later - earlier for earlier, later in pairwise(dues)]
    short = [gap for gap in gaps if gap < usual]
    if short:
        yield Finding(
            schedule.name,
            "self_overlap",
            f"a run usually takes {in_words(usual)}, and {len(short)} of the next {len(gaps)} are "
            f"due sooner, {in_words(min(short))} after the one before: with overlap = "
            f'"{schedule.overlap}" they {_THEN[schedule.overlap]}',
        )


def _no_worker(schedule: Schedule) -> Finding:
    return Finding(
        schedule.name,
        "no_worker",
        f"no worker has asked for workflow tasks of {schedule.task_queue!r} in the last minutes: "
        "runs would wait",
    )


async def _unattended(server: ScheduleServer, queues: set[str]) -> set[str]:
    found = set[str]()
    for queue in queues:
        request = DescribeTaskQueueRequest(
            namespace=server.client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        service = server.client.workflow_service
        if not (await service.describe_task_queue(request, timeout=_RPC)).pollers:
            found.add(queue)
    return found


async def _of_type(server: ScheduleServer, schedule: Schedule) -> AsyncIterator[Finding]:
    begun = [one async for one in _open(server, schedule)]
    for run in begun:
        if words := await _cannot_go_on(server, run):
            yield Finding(schedule.name, "failing_task", f"the run {run.id} cannot go on: {words}")
            return
    if begun or await _runs(server, f"{_kind(schedule)} AND {_place(schedule)}", 1):
        return
    others = {one.workflow_type for one in await _runs(server, _place(schedule), _TYPES)}
    if near := get_close_matches(schedule.workflow, others, n=1):
        yield Finding(
            schedule.name,
            "unseen_type",
            f"nobody has run a {schedule.workflow!r} on {schedule.task_queue!r} yet, but "
            f"{near[0]!r}: is it spelled so?",
        )


async def _open(server: ScheduleServer, schedule: Schedule) -> AsyncIterator[WorkflowExecution]:
    query = f"{_kind(schedule)} AND {_place(schedule)} AND ExecutionStatus = 'Running'"
    for run in await _runs(server, query, _OPEN):
        yield run


async def _cannot_go_on(server: ScheduleServer, run: WorkflowExecution) -> str:
    """What a worker said of its last workflow task, if that failed; only the first lines of it."""
    last = ""
    handle = server.client.get_workflow_handle(run.id, run_id=run.run_id)
    async for event in handle.fetch_history_events(rpc_timeout=_RPC):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            last = event.workflow_task_failed_event_attributes.failure.message
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            last = ""
    return last.splitlines()[0] if last else ""


async def _usual(server: ScheduleServer, schedule: Schedule) -> timedelta | None:
    """The median of the last that ended well: of this schedule, or else of this type there."""
    for query in (
        f"TemporalScheduledById = {quoted(schedule.name)}",
        f"{_kind(schedule)} AND {_place(schedule)}",
    ):
        runs = await _runs(server, f"{query} AND ExecutionStatus = 'Completed'", _RUNS)
        took = [
            run.close_time - run.start_time
            for run in runs
            if run.close_time and run.status is WorkflowExecutionStatus.COMPLETED
        ]
        if len(took) >= _USUAL_FROM:
            return timedelta(seconds=median(one.total_seconds() for one in took))
    return None


async def _runs(server: ScheduleServer, query: str, most: int) -> list[WorkflowExecution]:
    return [one async for one in server.client.list_workflows(query, limit=most)]


def _kind(schedule: Schedule) -> str:
    return f"WorkflowType = {quoted(schedule.workflow)}"


def _place(schedule: Schedule) -> str:
    return f"TaskQueue = {quoted(schedule.task_queue)}"
