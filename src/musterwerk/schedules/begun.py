"""Which schedules with a number of runs have been put there once.

When those have run the server forgets them after some days, and the next apply would begin with
them again. So each leaves a schedule of its own there, paused, that never fires.
"""

from __future__ import annotations

from datetime import UTC, datetime

from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.model import OURS_ALONE, Schedule, When
from musterwerk.schedules.protos import new_state, to_server
from musterwerk.schedules.server import ScheduleServer

_PREFIX = f"{OURS_ALONE}begun."
_NEVER = Schedule(
    "none", "none", task_queue="none", when=When(at=(datetime(2100, 12, 31, tzinfo=UTC),))
)


def memory_of(name: str) -> str:
    """What the schedule is called that remembers the one of this name."""
    return _PREFIX + name


async def has_begun(server: ScheduleServer, *names: str | None) -> bool:
    """Whether one of any of these names has been there."""
    for name in names:
        if name is not None and await server.describe(memory_of(name)) is not None:
            return True
    return False


async def remember(server: ScheduleServer, name: str, set_name: str) -> None:
    """Again changes nothing."""
    if not await has_begun(server, name):
        await put_silent(server, memory_of(name), set_name, f"{name} was put here")


async def put_silent(server: ScheduleServer, name: str, set_name: str, note: str) -> bool:
    """One that never fires. False where there is one of this name already."""
    mark = Mark(declared=_NEVER, set_name=set_name, as_of=datetime.now(UTC))
    state = new_state(_NEVER, paused=True)
    state.notes = note
    compiled = compile_when(_NEVER.when, mark.as_of)
    proto = await to_server(_NEVER, compiled, server.client.data_converter, state)
    return await server.create(name, proto, mark)
