"""Schedules from code, as the commands of the same names do it. Not for workflows.

What is not ours is never touched. Most is loaded when it is called: workflows import this room.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from temporalio.client import Client

from musterwerk.errors import ServerError, UsageError

# Now, and not when it is called: the module would take the place of the function of its name.
from musterwerk.schedules.backfill import do_backfill, make_backfill
from musterwerk.schedules.model import Overlap, Schedule

if TYPE_CHECKING:
    from musterwerk.schedules.server import ScheduleServer


async def apply(client: Client, *schedules: Schedule, set_name: str, prune: bool = False) -> None:
    """Put them there, as `musterwerk schedules apply` does: what is paused stays so, what is so
    already is not written. `prune` deletes what is of this set and not among them.

    Raises `ServerError` where something could not be done, or is not of this set; the others are
    done then, and the same call goes on with the rest.
    """
    from musterwerk.schedules.applying import put

    await put(client, schedules, set_name, prune=prune)


async def destroy(client: Client, *schedules: Schedule, set_name: str) -> None:
    """Delete them where they are there; runs that have begun go on. Those with a number of `runs`
    can begin again afterwards.

    Raises `ServerError` where something could not be done, or is not of this set; the others are
    gone then.
    """
    from musterwerk.schedules.applying import apply_plan
    from musterwerk.schedules.declaring import in_code
    from musterwerk.schedules.destroying import make_destroy
    from musterwerk.schedules.server import ScheduleServer

    server = ScheduleServer(client)
    plan = await make_destroy(server, in_code(schedules, set_name))
    flaws = [f"{one.step.name}: {one.flaw}" for one in await apply_plan(server, plan) if one.flaw]
    flaws += [f"{step.name}: {'; '.join(step.words)}" for step in plan.foreign]
    if flaws:
        raise ServerError("; ".join(flaws))


async def pause(client: Client, name: str, *, note: str = "") -> None:
    """Start no runs until `unpause`; what is due meanwhile is not made up for. Without a note the
    one that stands there stays. Raises `UsageError` where none of ours is called so."""
    from musterwerk.schedules import control

    await control.pause(await _server_of(client, name), name, note)


async def unpause(client: Client, name: str, *, note: str = "") -> None:
    """Go on. What was due meanwhile is for `backfill`. Raises `UsageError` where none of ours is
    called so."""
    from musterwerk.schedules import control

    await control.unpause(await _server_of(client, name), name, note)


async def trigger(client: Client, name: str, *, overlap: Overlap | None = None) -> None:
    """Start a run now, also where it is paused: by the schedule's overlap policy, or this one.
    Raises `UsageError` where none of ours is called so."""
    from musterwerk.schedules import control

    _check(overlap)
    await control.trigger(await _server_of(client, name), name, overlap)


async def backfill(
    client: Client,
    name: str,
    start: datetime,
    end: datetime,
    *,
    overlap: Overlap = "allow_all",
    only_missing: bool = True,
) -> int:
    """Start what was due from `start` to `end`, both with, and has no run; without `only_missing`
    also what has one. Returns how many were handed to the server.

    Interrupted, the same call goes on with it. Raises `UsageError` where none of ours is called so.
    """
    _check(overlap)
    if start.tzinfo is None or end.tzinfo is None:
        raise UsageError("start and end: the time zone is missing, such as tzinfo=UTC")
    if end < start:
        raise UsageError(f"end, which is {end}, is before start, which is {start}")
    server = await _server_of(client, name)
    plan = await make_backfill(server, name, start, end, only_missing=only_missing)
    return await do_backfill(server, plan, overlap) if plan.missing else 0


def _check(overlap: str | None) -> None:
    from musterwerk.schedules.protos import OVERLAPS

    if overlap is not None and overlap not in OVERLAPS:
        raise UsageError(f"overlap: {overlap!r} is none of {', '.join(OVERLAPS)}")


async def _server_of(client: Client, name: str) -> ScheduleServer:
    from musterwerk.schedules.finding import one_of_ours
    from musterwerk.schedules.server import ScheduleServer

    server = ScheduleServer(client)
    await one_of_ours(server, name)
    return server
