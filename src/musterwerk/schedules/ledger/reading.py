"""What Temporal knows of the runs of schedules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHistoryEventFilterType,
)
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.errors import ServerError
from musterwerk.schedules.attributes import DUE, STARTED_BY
from musterwerk.schedules.ledger.model import Run
from musterwerk.schedules.server import SIDE_BY_SIDE

_RPC = timedelta(seconds=10)
#: A worker that has begun has done so among these, as a rule.
_FIRST_EVENTS = 10
_LONGEST = 300
_STATUS = {
    WorkflowExecutionStatus.RUNNING: "Running",
    WorkflowExecutionStatus.COMPLETED: "Completed",
    WorkflowExecutionStatus.FAILED: "Failed",
    WorkflowExecutionStatus.CANCELED: "Canceled",
    WorkflowExecutionStatus.TERMINATED: "Terminated",
    WorkflowExecutionStatus.CONTINUED_AS_NEW: "ContinuedAsNew",
    WorkflowExecutionStatus.TIMED_OUT: "TimedOut",
}


async def runs_since(client: Client, since: datetime) -> list[Run]:
    """All that began or ended since then, by Temporal's list, which may be some seconds old."""
    at = f"'{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
    query = f"TemporalScheduledById IS NOT NULL AND (StartTime >= {at} OR CloseTime >= {at})"
    try:
        return _chains([run async for run in _listed(client, query)])
    except RPCError as error:
        raise ServerError(f"Temporal's server: {error.message or error.status.name}") from error


async def look_up(
    client: Client,
    wanted: Iterable[tuple[str, datetime, str]],
    alive: Callable[[], object] = lambda: None,
) -> list[Run]:
    """Of each schedule, due time and workflow id: its run, if there is one; asked one by one, and
    so as it is now."""
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(schedule: str, due: datetime, workflow_id: str) -> Run | None:
        async with few:
            try:
                found = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=_RPC)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return None
                raise ServerError(f"Temporal's server: {error.message}") from error
        alive()
        run = _run(found)
        if run is None or (run.schedule, run.due) != (schedule, due):
            return None
        return replace(run, message=await _message(client, run)) if run.status == "Failed" else run

    found = await asyncio.gather(*(one(*key) for key in wanted))
    return [run for run in found if run is not None]


async def _message(client: Client, run: Run) -> str:
    """Why it failed, in the first line of its own words; empty where it cannot be told."""
    handle = client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
    kind = WorkflowHistoryEventFilterType.CLOSE_EVENT
    try:
        events = handle.fetch_history_events(event_filter_type=kind, rpc_timeout=_RPC)
        async for event in events:
            said = event.workflow_execution_failed_event_attributes.failure.message
            return said.splitlines()[0][:_LONGEST] if said else ""
    except RPCError:
        pass  # it is for people to read, and no reason not to tell them
    return ""


def joined(known: Run | None, new: Run) -> Run:
    """One chain: the first start, and the last one's end."""
    if known is None:
        return new
    last = new if new.run_started_at >= known.run_started_at else known
    return replace(
        last,
        started_at=min(known.started_at, new.started_at),
        begun_at=(begun_at := known.begun_at or new.begun_at),
        unbegun=begun_at is None and (known.unbegun or new.unbegun),
    )


async def look_for_begin(
    client: Client, runs: Iterable[Run], alive: Callable[[], object] = lambda: None
) -> list[Run]:
    """The same, each with when a worker took up the first task that was completed, or that there
    is none."""
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(run: Run) -> Run:
        async with few:
            try:
                begun_at = await _begin(client, run)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise ServerError(f"Temporal's server: {error.message}") from error
                begun_at = run.started_at  # its history has gone: no more is known
        alive()
        return replace(run, begun_at=begun_at, unbegun=begun_at is None)

    return list(await asyncio.gather(*map(one, runs)))


async def _begin(client: Client, run: Run) -> datetime | None:
    """Of the first run of its chain."""
    run_id = run.run_id
    while True:
        handle = client.get_workflow_handle(run.workflow_id, run_id=run_id)
        first, took_up = "", run.started_at
        async for event in handle.fetch_history_events(page_size=_FIRST_EVENTS, rpc_timeout=_RPC):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                first = event.workflow_execution_started_event_attributes.first_execution_run_id
                if first and first != run_id:
                    break
            elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
                took_up = event.event_time.ToDatetime(tzinfo=UTC)
            elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                return took_up
        if not first or first == run_id:
            return None
        run_id = first


async def _listed(client: Client, query: str) -> AsyncIterator[Run]:
    async for found in client.list_workflows(query, page_size=1_000):
        if run := _run(found):
            yield run


def _run(found: WorkflowExecution) -> Run | None:
    attributes = found.typed_search_attributes
    schedule, due = attributes.get(STARTED_BY), attributes.get(DUE)
    if schedule is None or due is None or found.status is None:
        return None
    ended = None if found.status is WorkflowExecutionStatus.RUNNING else found.close_time
    return Run(
        schedule=schedule,
        due=due.astimezone(UTC),
        workflow_id=found.id,
        run_id=found.run_id,
        status=_STATUS[found.status],
        started_at=found.start_time,
        run_started_at=found.start_time,
        ended_at=ended,
    )


def _chains(runs: Iterable[Run]) -> list[Run]:
    found: dict[tuple[str, datetime], Run] = {}
    for run in runs:
        key = (run.schedule, run.due)
        found[key] = joined(found.get(key), run)
    return list(found.values())
