"""Making up for runs that have not been: which are missing, what it costs, and starting them.

Runs are known by Temporal's list of workflows, and once more by their ids before they are started,
for a list may be some seconds old. So what has been started is not started again, and whoever was
interrupted goes on by saying the same again. What Temporal has deleted after its retention is not
known any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from temporalio.api.schedule.v1 import BackfillRequest, SchedulePatch

from musterwerk.errors import ServerError, UsageError
from musterwerk.schedules.asking import due_times
from musterwerk.schedules.lease import Lease, alone
from musterwerk.schedules.meaning import as_meant
from musterwerk.schedules.model import Overlap
from musterwerk.schedules.native import NativeSpec, from_proto
from musterwerk.schedules.protos import OVERLAPS
from musterwerk.schedules.runs import kept_since, runs_between, without_run
from musterwerk.schedules.server import Described, ScheduleServer, stamp
from musterwerk.schedules.server_rules import fires

#: Temporal starts so many in a namespace.
STARTS_PER_SECOND = 30
_SLICE = 300
#: More than that nobody means: it would take an hour to start them.
_MOST = 100_000
_LOOK_SECONDS = 0.2
#: What is due so lately the server is about to start itself.
_BEING_STARTED = timedelta(seconds=10)
#: Nothing new for so long: a worker is not needed for a start, so something is wrong.
_PATIENCE = 60.0
#: A backfill that goes on starts some every second.
_QUIET = 3.0


@dataclass(frozen=True)
class Backfill:
    """`due` are all times of the span, `missing` those that are to be started. Runs before
    `known_from` may have been, and be forgotten. `offered` are the server's times, which knows no
    holidays of years before it was told. `cut` where the span goes on into the future, which is
    left to the schedule."""

    schedule: str
    due: tuple[datetime, ...]
    missing: tuple[datetime, ...]
    known_from: datetime | None
    only_missing: bool = True
    offered: tuple[datetime, ...] = ()
    cut: bool = False

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
    """For the due times from `start` to `end`, both with, that are past. Starts nothing. Raises
    `UsageError`."""
    found = await _found(server, name)
    now = datetime.now(UTC) - _BEING_STARTED
    cut, end = end > now + _BEING_STARTED, min(end, now)
    if end < start:
        return Backfill(name, (), (), None, only_missing, (), cut)
    offered = list[datetime]()
    async for one in due_times(server, found, start - timedelta(seconds=1), end):
        offered.append(one)
        if len(offered) > _MOST:
            raise UsageError(
                f"{name}: more than {_MOST:,} due times; choose less than {start} to {end}"
            )
    due = as_meant(found.mark.declared.when, offered) if found.mark else offered
    known = await runs_between(server, found, start, end) if only_missing else set[datetime]()
    missing = tuple(one for one in due if one not in known)
    known_from = await kept_since(server)
    return Backfill(name, tuple(due), missing, known_from, only_missing, tuple(offered), cut)


async def do_backfill(
    server: ScheduleServer,
    plan: Backfill,
    overlap: Overlap = "allow_all",
    told: Callable[[int], object] = lambda _: None,
    waiting: Callable[[], object] = lambda: None,
) -> int:
    """How many are there by now; `told` hears of it. With `skip` fewer may be than are missing:
    then it ends when the server has taken all.

    `waiting` is called where another backfill of it goes on, which has its turn first."""
    async with alone(server, await _found(server, plan.schedule), waiting) as lease:
        return await _in_parts(server, plan, overlap, told, lease)


async def _in_parts(
    server: ScheduleServer,
    plan: Backfill,
    overlap: Overlap,
    told: Callable[[int], object],
    lease: Lease,
) -> int:
    done, found = 0, await _found(server, plan.schedule)
    if lease.taken_over:
        found = await _idle(server, plan.schedule)
    for first in range(0, len(plan.missing), _SLICE):
        part: Sequence[datetime] = plan.missing[first : first + _SLICE]
        if plan.only_missing:
            part = await without_run(server, found, part)
        done += len(plan.missing[first : first + _SLICE]) - len(part)
        if part:
            lease.check()
            await _start(server, found, plan.offered, part, overlap)
            if overlap == "allow_all" and plan.only_missing:
                await _seen(server, found, part, done, told)
            else:
                await _idle(server, plan.schedule)
        done += len(part)
        told(done)
    return done


async def _start(
    server: ScheduleServer,
    found: Described,
    due: Sequence[datetime],
    part: Sequence[datetime],
    overlap: Overlap,
) -> None:
    spec = from_proto(found.proto.spec)
    requests = [
        BackfillRequest(
            start_time=stamp(low),
            end_time=stamp(_with_jitter(spec, high)),
            overlap_policy=OVERLAPS[overlap],
        )
        for low, high in _spans(due, part)
    ]
    await server.patch(found.name, SchedulePatch(backfill_request=requests))


def _with_jitter(spec: NativeSpec, due: datetime) -> datetime:
    """The server leaves out what jitter puts after the end; it never puts it after the next one."""
    if not spec.jitter:
        return due
    latest = due + spec.jitter
    following = next(fires(spec, due, latest), None)
    return latest if following is None else following - timedelta(milliseconds=1)


async def _found(server: ScheduleServer, name: str) -> Described:
    found = await server.describe(name)
    if found is None:
        raise UsageError(f"there is no schedule {name!r}")
    return found


async def _idle(server: ScheduleServer, name: str) -> Described:
    """As soon as the server has started all that it was asked before. It drops what is too much for
    it, and what it has not started yet looks as if it were missing.

    Of a backfill that goes on it tells nothing but that its count of runs grows.
    """
    loop = asyncio.get_running_loop()
    begun = since = loop.time()
    was = (-1, -1)
    while True:
        found = await _found(server, name)
        now = (found.info.action_count, found.info.buffer_size)
        if now != was:
            was, since = now, loop.time()
        quiet = loop.time() - since >= _QUIET or loop.time() - begun >= _PATIENCE
        if quiet and not found.info.buffer_size:
            return found
        if loop.time() - since >= _PATIENCE:
            raise ServerError(
                f"{name}: the server holds {found.info.buffer_size} runs back until others have "
                "ended; the same command again goes on later"
            )
        await asyncio.sleep(_LOOK_SECONDS)


async def _seen(
    server: ScheduleServer,
    found: Described,
    part: Sequence[datetime],
    before: int,
    told: Callable[[int], object],
) -> None:
    """Wait until all of them have been started."""
    wanted, seen = set(part), -1
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    while loop.time() < until:
        count = len(wanted & await runs_between(server, found, part[0], part[-1]))
        if count > seen:
            seen, until = count, loop.time() + _PATIENCE
            told(before + count)
        if count == len(wanted):
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise ServerError(
        f"{found.name}: {seen} of {len(wanted)} runs have been started, and for a minute no more; "
        "the same command again goes on with the others"
    )


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
