"""Schedules of ours by name, and what to say where there is none."""

from __future__ import annotations

from musterwerk.documents import near
from musterwerk.errors import UsageError
from musterwerk.schedules.model import OURS_ALONE
from musterwerk.schedules.server import Described, ScheduleServer


async def one_of_ours(server: ScheduleServer, name: str) -> Described:
    """Raises `UsageError` where there is none: others' schedules are never touched."""
    found = None if name.startswith(OURS_ALONE) else await server.describe(name)
    if found is None or not found.ours:
        raise await nobody(server, name)
    return found


async def nobody(server: ScheduleServer, name: str) -> UsageError:
    names = [one async for one in server.names()]
    hint = near(name, names)
    return UsageError(f"none of ours is called {name!r}; `schedules list` shows them{hint}")
