"""What a schedule was told and when: paused, continued, changed; from the server's own account.

The server's schedules are workflows of its own, whose histories can be read (Temporal Server 1.32).
Nothing says that it stays so. Where it is not so, what was seen by looking has to do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from google.protobuf.message import DecodeError
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.schedule.v1 import Schedule, SchedulePatch
from temporalio.api.workflowservice.v1 import DescribeScheduleResponse
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.errors import ServerError
from musterwerk.schedules.ledger.model import Stand
from musterwerk.schedules.native import from_proto
from musterwerk.schedules.protos import OVERLAP_NAMES

_ID = "temporal-sys-scheduler:"
_RPC = timedelta(seconds=10)
_TICK = timedelta(microseconds=1)
#: So many runs of the server's workflow are followed back.
_CHAIN = 20
_NO_ACCOUNT = (
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.PERMISSION_DENIED,
)


@dataclass(frozen=True)
class Told:
    """`paused` and `schedule` are None where nothing was said of them."""

    at: datetime
    paused: bool | None = None
    schedule: Schedule | None = None


async def told_since(client: Client, name: str, since: datetime) -> list[Told]:
    """Earliest first; empty also where the server has no such account. Raises `ServerError`."""
    found: list[Told] = []
    try:
        async for event in _events(client, name, since):
            at = event.event_time.ToDatetime(tzinfo=UTC)
            if at > since and (told := _told(event, at)) is not None:
                found.append(told)
    except DecodeError:
        return []
    except RPCError as error:
        if error.status in _NO_ACCOUNT:
            return []
        # It would be taken for an account of nothing, and be so for ever.
        raise ServerError(f"Temporal's server: {error.message or error.status.name}") from error
    return sorted(found, key=lambda one: one.at)


def stands_of(last: Stand, told: Sequence[Told], looked_before: datetime) -> list[Stand]:
    """How it stood after each, exactly. What the server had not come to by then, it may have not
    come to since `looked_before`. Pure."""
    found: list[Stand] = []
    for one in told:
        at = max(one.at, last.since + _TICK)
        last = replace(last, since=at, unsure_from=at, seen_at=at)
        if one.schedule is not None:
            policy = one.schedule.policies.overlap_policy
            last = replace(
                last,
                told_at=at,
                unsure_from=at if one.schedule.state.paused != last.paused else looked_before,
                spec=from_proto(one.schedule.spec),
                overlap=OVERLAP_NAMES.get(policy, "skip"),
                paused=one.schedule.state.paused,
            )
        if one.paused is not None:
            last = replace(last, paused=one.paused)
        found.append(last)
    return found


async def _events(client: Client, name: str, since: datetime) -> AsyncIterator[HistoryEvent]:
    """Of the last run, and of those before it as far as they are of the time asked for."""
    run_id: str | None = None
    for _ in range(_CHAIN):
        handle = client.get_workflow_handle(_ID + name, run_id=run_id)
        before, begun = "", since
        async for event in handle.fetch_history_events(rpc_timeout=_RPC):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                started = event.workflow_execution_started_event_attributes
                before = started.continued_execution_run_id
                begun = event.event_time.ToDatetime(tzinfo=UTC)
            elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                yield event
        if not before or begun <= since:
            return
        run_id = before


def _told(event: HistoryEvent, at: datetime) -> Told | None:
    signal = event.workflow_execution_signaled_event_attributes
    if not signal.input.payloads:
        return None
    data = signal.input.payloads[0].data
    if signal.signal_name == "patch":
        patch = SchedulePatch.FromString(data)
        if patch.pause or patch.unpause:
            # Both at once is a pause, as the server takes them in this order.
            return Told(at, paused=not patch.unpause)
    elif signal.signal_name == "update":
        # The server's own message begins with the same field as this public one.
        return Told(at, schedule=DescribeScheduleResponse.FromString(data).schedule)
    return None
