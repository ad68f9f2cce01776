"""Holding, starting and looking at schedules of ours."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from temporalio.api.schedule.v1 import SchedulePatch, TriggerImmediatelyRequest

from musterwerk.errors import ScheduleRefused, ServerError, UsageError
from musterwerk.schedules.model import OURS_ALONE, Overlap
from musterwerk.schedules.protos import OVERLAPS
from musterwerk.schedules.runs import free_second, has_run
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer, stamp

_PAUSED = "paused by `musterwerk schedules pause`"
_CONTINUED = "continued by `musterwerk schedules unpause`"
_LOOKS, _LOOK_SECONDS = 60, 0.05
_TRIGGER_SECONDS = 10
#: So many seconds ago a run by hand is due. Where a busy server lags behind the clock the latest
#: seconds only look free: their runs are still to come.
_SECONDS_TRIED = (0, 1, 3, 7, 15)
#: The schedule's account tells of so many runs, the latest ones.
_ACCOUNT_LENGTH = 10
#: So long after a run has been started the schedule's account has it.
_ACCOUNT_SECONDS = 1.0
_UNSEEN = (
    "no run was seen within ten seconds: the server may have too much to do; look "
    "(`schedules show`) before you repeat it"
)


async def ours(
    server: ScheduleServer, patterns: Sequence[str] | None = None
) -> AsyncIterator[Described]:
    """By name. Names without * are looked up and not listed: a list may be some seconds old."""
    names = set[str]()
    if patterns is None or any("*" in one for one in patterns):
        async for name in server.names():
            if patterns is None or any(fnmatchcase(name, one) for one in patterns):
                names.add(name)
    names |= {one for one in patterns or () if "*" not in one and not one.startswith(OURS_ALONE)}
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(name: str) -> Described | None:
        async with few:
            return await server.describe(name)

    for found in await asyncio.gather(*map(one, sorted(names))):
        if found is not None and found.ours:
            yield found


def facts(found: Described) -> dict[str, Any]:
    """For people and machines: the declaration, how it stands, last and next runs.

    `declared` is None where somebody has put another action into it by hand.
    """
    declared = found.mark.declared if found.mark else None
    action, state, info = found.proto.action.start_workflow, found.proto.state, found.info
    return {
        "schedule": found.name,
        "workflow": action.workflow_type.name,
        "task_queue": action.task_queue.name,
        "owner": declared.owner if declared else "",
        "paused": state.paused,
        "note": state.notes,
        "runs_made": info.action_count,
        "runs_left": state.remaining_actions if state.limited_actions else None,
        "skipped_by_overlap": info.overlap_skipped,
        "missed": info.missed_catchup_window,
        "dropped": info.buffer_dropped,
        "running": [one.workflow_id for one in info.running_workflows],
        "last": [one.start_workflow_result.workflow_id for one in reversed(info.recent_actions)],
        "next": [one.ToDatetime(tzinfo=UTC).isoformat() for one in info.future_action_times]
        if not state.paused
        else [],
        "declared": declared.as_json() if declared else None,
    }


async def pause(server: ScheduleServer, name: str, note: str = "") -> None:
    """Done when the server says that it is. Without a note the one that stands there stays.
    Raises `ScheduleRefused` for one that is half renamed: it is held until that goes on."""
    await _not_renaming(server, name)
    await server.patch(name, SchedulePatch(pause=note or await _note(server, name, _PAUSED)))
    await _becomes(server, name, paused=True)


async def unpause(server: ScheduleServer, name: str, note: str = "") -> None:
    """Raises `ScheduleRefused` for one that is half renamed: the old one may fire still."""
    await _not_renaming(server, name)
    await server.patch(name, SchedulePatch(unpause=note or await _note(server, name, _CONTINUED)))
    await _becomes(server, name, paused=False)


async def _not_renaming(server: ScheduleServer, name: str) -> None:
    found = await server.describe(name)
    if found is not None and found.mark is not None and found.mark.renaming is not None:
        raise ScheduleRefused(
            "it is being renamed; it is held until an `apply` goes on with that", "renaming"
        )


async def _note(server: ScheduleServer, name: str, otherwise: str) -> str:
    """Temporal asks for one each time."""
    found = await server.describe(name)
    note = found.proto.state.notes if found else ""
    return otherwise if note in ("", _PAUSED, _CONTINUED) else note


async def trigger(server: ScheduleServer, name: str, overlap: Overlap | None = None) -> None:
    """One run now, by the schedule's overlap policy or this one. It is started when this ends, or
    waits for the run before. Raises `ScheduleRefused` where there is none, `UsageError` where there
    is no such schedule."""
    for seconds in _SECONDS_TRIED:
        if await _triggered(server, name, overlap, datetime.now(UTC) - timedelta(seconds=seconds)):
            return
    raise ScheduleRefused(_UNSEEN, "unseen")


async def _triggered(
    server: ScheduleServer, name: str, overlap: Overlap | None, wished: datetime
) -> bool:
    """False where another run has the same second, in which the server starts one only."""
    before = await server.describe(name)
    base = before.proto.action.start_workflow.workflow_id if before else name
    at = await free_second(server, base, wished)
    if at is None:
        raise ScheduleRefused("not started: it has a run in each second already", "overlap")
    # The fraction is kept in the account of runs, and so tells whose a run is.
    at = at.replace(microsecond=random.randrange(1, 1_000_000))  # noqa: S311 - no secret
    now = TriggerImmediatelyRequest(scheduled_time=stamp(at))
    if overlap is not None:
        now.overlap_policy = OVERLAPS[overlap]
    await server.patch(name, SchedulePatch(trigger_immediately=now))
    loop = asyncio.get_running_loop()
    begun, until = loop.time(), loop.time() + _TRIGGER_SECONDS
    while loop.time() < until:
        found = await server.describe(name)
        if found is not None and before is not None:
            mine = (
                one.schedule_time.ToDatetime(tzinfo=UTC) == at for one in found.info.recent_actions
            )
            if any(mine) or found.info.buffer_size > before.info.buffer_size:
                return True
            if found.info.overlap_skipped > before.info.overlap_skipped:
                raise ScheduleRefused(
                    "not started, for the run before goes on; by the overlap policy it is left out",
                    "overlap",
                )
            if loop.time() > begun + _ACCOUNT_SECONDS and await has_run(server, base, at):
                made = found.info.action_count - before.info.action_count
                if made >= _ACCOUNT_LENGTH:
                    break  # ours may have been among them
                return False
        await asyncio.sleep(_LOOK_SECONDS)
    raise ScheduleRefused(_UNSEEN, "unseen")


def overlap_of(text: str | None) -> Overlap | None:
    """Raises `UsageError`."""
    if text is None:
        return None
    for known in OVERLAPS:
        if text == known:
            return known
    raise UsageError(f"--overlap: {text!r} is none of {', '.join(OVERLAPS)}")


async def _becomes(server: ScheduleServer, name: str, *, paused: bool) -> None:
    for _ in range(_LOOKS):
        found = await server.describe(name)
        if found is not None and found.proto.state.paused == paused:
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise ServerError(f"{name}: the server took it, and did not do it; try again")
