"""What is spelled out to the server for some years only is told for longer in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from musterwerk.schedules.applying import change
from musterwerk.schedules.control import ours
from musterwerk.schedules.planning import by_hand, runs_out
from musterwerk.schedules.server import ScheduleServer


async def extend(
    server: ScheduleServer, now: datetime, alive: Callable[[], object] = lambda: None
) -> list[str]:
    """The names of those that were. What somebody changed by hand is left to `apply`.
    Raises `ServerError`."""
    done: list[str] = []
    async for found in ours(server):
        alive()
        mark = found.mark
        if mark is None or mark.renaming is not None or runs_out(mark, now) is None:
            continue
        if not await by_hand(server, found, mark):
            await change(server, found.name, mark.model_copy(update={"as_of": now}))
            done.append(found.name)
    return done
