"""What is spelled out to the server for some years only is told for longer in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from musterwerk.schedules.applying import extend as extend_one
from musterwerk.schedules.control import ours
from musterwerk.schedules.planning import by_hand, runs_out
from musterwerk.schedules.server import ScheduleServer


async def extend(
    server: ScheduleServer, now: datetime, alive: Callable[[], object] = lambda: None
) -> list[str]:
    """The names of those that were. What somebody changed by hand is left to `apply`, and what is
    changed right now to the next time. Raises `ServerError`."""
    done: list[str] = []
    async for found in ours(server):
        alive()
        mark = found.mark
        if mark is None or mark.renaming is not None or runs_out(mark, now) is None:
            continue
        if await by_hand(server, found, mark):
            continue
        if await extend_one(server, found, mark, now):
            done.append(found.name)
    return done
