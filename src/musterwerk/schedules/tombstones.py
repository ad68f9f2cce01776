"""Tombstones: which schedules with a number of runs have been put there once.

When those have run the server forgets them after some days, and the next apply would begin with
them again. So each leaves a schedule of its own there, paused, that never fires.
"""

from __future__ import annotations

from musterwerk.schedules.model import OURS_ALONE
from musterwerk.schedules.server import ScheduleServer
from musterwerk.schedules.silent import put_silent

_PREFIX = f"{OURS_ALONE}begun."


def tombstone_of(name: str) -> str:
    """What the schedule is called that remembers the one of this name."""
    return _PREFIX + name


async def has_begun(server: ScheduleServer, *names: str | None) -> bool:
    """Whether one of any of these names has been there."""
    for name in names:
        if name is not None and await server.describe(tombstone_of(name)) is not None:
            return True
    return False


async def leave_tombstone(server: ScheduleServer, name: str, set_name: str) -> None:
    """Again changes nothing."""
    if not await has_begun(server, name):
        await put_silent(server, tombstone_of(name), set_name, f"{name} was put here")
