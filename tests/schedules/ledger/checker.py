"""What Temporal's own histories say of due times, read without any of the ledger's code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.schedule.v1 import SchedulePatch
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

_ENDS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "Completed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "Failed",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: "Terminated",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: "Canceled",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: "TimedOut",
}


@dataclass(frozen=True)
class Execution:
    """`begun_at` is when a worker took up the first task that it completed."""

    started_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    status: str


@dataclass
class Scheduler:
    """`pauses` are from and until when; `updates` when it was told otherwise; `looks` when it
    looked at what is due. `missed` and `dropped` are how many it counts itself."""

    missed: int
    dropped: int
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])
    updates: list[datetime] = field(default_factory=list[datetime])

    looks: list[datetime] = field(default_factory=list[datetime])

    def came_to(self, due: datetime) -> datetime:
        """When it looked first after that."""
        return min((at for at in self.looks if at >= due), default=datetime.max.replace(tzinfo=UTC))

    def was_paused(self, due: datetime) -> bool:
        return any(since <= due < until for since, until in self.pauses)


async def execution(client: Client, name: str, due: datetime) -> Execution | None:
    started, ended, status = None, None, "Running"
    taken_up, begun = None, None
    try:
        handle = client.get_workflow_handle(f"{name}-{due:%Y-%m-%dT%H:%M:%SZ}")
        async for event in handle.fetch_history_events():
            at = _at(event)
            started = started or at
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
                taken_up = at
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                begun = begun or taken_up
            if event.event_type in _ENDS:
                ended, status = at, _ENDS[event.event_type]
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return Execution(started, begun, ended, status) if started else None


async def scheduler(client: Client, name: str) -> Scheduler:
    described = await client.get_schedule_handle(name).describe()
    info = described.raw_description.info
    found = Scheduler(info.missed_catchup_window, info.buffer_dropped)
    paused_at: datetime | None = None
    async for event in _events(client, name):
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            found.looks.append(_at(event))
        if event.event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            continue
        signal = event.workflow_execution_signaled_event_attributes
        if signal.signal_name == "update":
            found.updates.append(_at(event))
        elif signal.signal_name == "patch":
            patch = SchedulePatch.FromString(signal.input.payloads[0].data)
            if patch.pause:
                paused_at = paused_at or _at(event)
            if patch.unpause and paused_at is not None:
                found.pauses.append((paused_at, _at(event)))
                paused_at = None
    if paused_at is not None:
        found.pauses.append((paused_at, datetime.max.replace(tzinfo=UTC)))
    return found


def every(seconds: int, after: datetime, until: datetime) -> list[datetime]:
    """Whole multiples since 1970, as intervals are."""
    first = (int(after.timestamp()) // seconds + 1) * seconds
    last = int(until.timestamp())
    return [datetime.fromtimestamp(at, UTC) for at in range(first, last + 1, seconds)]


async def _events(client: Client, name: str) -> AsyncIterator[HistoryEvent]:
    runs: list[list[HistoryEvent]] = []
    run_id = ""
    while True:
        handle = client.get_workflow_handle(f"temporal-sys-scheduler:{name}", run_id=run_id or None)
        events = [event async for event in handle.fetch_history_events()]
        runs.insert(0, events)
        started = events[0].workflow_execution_started_event_attributes
        if not (run_id := started.continued_execution_run_id):
            break
    for events in runs:
        for event in events:
            yield event


def _at(event: HistoryEvent) -> datetime:
    return event.event_time.ToDatetime(tzinfo=UTC)


LITTLE = timedelta(seconds=3)
