"""Making up for runs that have not been: which are missing, what it costs, and starting them.

Runs are known by Temporal's list of workflows. So what has been started is not started again, and
whoever was interrupted goes on by saying the same again. What Temporal has deleted after its
retention is not known any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.schedule.v1 import BackfillRequest, SchedulePatch
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.common import SearchAttributeKey

from musterwerk.errors import ServerError
from musterwerk.schedules.model import Overlap
from musterwerk.schedules.protos import OVERLAPS
from musterwerk.schedules.server import ScheduleServer

#: Temporal starts so many in a namespace.
STARTS_PER_SECOND = 30
_SLICE = 300
_DUE = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
_RPC = timedelta(seconds=10)
_LOOK_SECONDS = 0.2
#: Nothing new for so long: a worker is not needed for a start, so something is wrong.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Backfill:
    """`due` are all times of the span, `missing` those that are to be started. Runs before
    `known_from` may have been, and be forgotten."""

    schedule: str
    due: tuple[datetime, ...]
    missing: tuple[datetime, ...]
    known_from: datetime | None

    @property
    def minutes(self) -> float:
        """At Temporal's rate of starts."""
        return round(len(self.missing) / STARTS_PER_SECOND / 60, 1)

    @property
    def may_repeat(self) -> bool:
        return bool(self.missing and self.known_from and self.missing[0] < self.known_from)


async def make_backfill(
    server: ScheduleServer, name: str, start: datetime, end: datetime, *, only_missing: bool = True
) -> Backfill:
    """For the due times from `start` to `end`, both with. Starts nothing."""
    due = [one async for one in server.times(name, start - timedelta(seconds=1), end)]
    known = await _runs(server, name, start, end) if only_missing else set[datetime]()
    missing = tuple(one for one in due if one not in known)
    return Backfill(name, tuple(due), missing, await _known_from(server))


async def do_backfill(
    server: ScheduleServer,
    plan: Backfill,
    overlap: Overlap = "allow_all",
    told: Callable[[int], object] = lambda _: None,
) -> int:
    """How many have been started; `told` hears of it. With `skip` fewer may be than are missing:
    then it ends when the server has taken all."""
    started = 0
    for first in range(0, len(plan.missing), _SLICE):
        part = plan.missing[first : first + _SLICE]
        requests = [
            BackfillRequest(
                start_time=_stamp(low), end_time=_stamp(high), overlap_policy=OVERLAPS[overlap]
            )
            for low, high in _spans(plan.due, part)
        ]
        await server.patch(plan.schedule, SchedulePatch(backfill_request=requests))
        if overlap == "allow_all":
            await _seen(server, plan.schedule, part, started, told)
        started += len(part)
        told(started)
    return started


async def _seen(
    server: ScheduleServer,
    name: str,
    part: Sequence[datetime],
    before: int,
    told: Callable[[int], object],
) -> None:
    """Wait until all of them have been started."""
    wanted, seen = set(part), -1
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    while loop.time() < until:
        found = len(wanted & await _runs(server, name, part[0], part[-1]))
        if found > seen:
            seen, until = found, loop.time() + _PATIENCE
            told(before + found)
        if found == len(wanted):
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise ServerError(
        f"{name}: {seen} of {len(wanted)} runs have been started, and for a minute no more; "
        "the same command again goes on with the others"
    )


async def _runs(server: ScheduleServer, name: str, start: datetime, end: datetime) -> set[datetime]:
    """The due times of the runs that Temporal knows."""
    quoted = name.replace("'", "''")
    # A second more: the list's own comparison leaves out what is equal.
    start, end = start - timedelta(seconds=1), end + timedelta(seconds=1)
    query = (
        f"TemporalScheduledById = '{quoted}' AND TemporalScheduledStartTime >= '{_text(start)}' "
        f"AND TemporalScheduledStartTime <= '{_text(end)}'"
    )
    found = set[datetime]()
    async for run in server.client.list_workflows(query):
        due = run.typed_search_attributes.get(_DUE)
        if due is not None:
            found.add(due.astimezone(UTC))
    return found


async def _known_from(server: ScheduleServer) -> datetime | None:
    request = DescribeNamespaceRequest(namespace=server.client.namespace)
    found = await server.client.workflow_service.describe_namespace(request, timeout=_RPC)
    kept = found.config.workflow_execution_retention_ttl.ToTimedelta()
    return datetime.now(UTC) - kept if kept else None


def _spans(
    due: Sequence[datetime], missing: Sequence[datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """Missing ones without others between them are one span. The server includes both ends."""
    wanted = set(missing)
    inside = [one for one in due if missing[0] <= one <= missing[-1]]
    for is_missing, group in groupby(inside, key=wanted.__contains__):
        if is_missing:
            run = list(group)
            yield run[0], run[-1]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found
