"""Schedules of our own that never fire: what all have to agree on stands at the server.

The server makes one of a name once, and changes it only for who has read it as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime

from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.model import Schedule, When
from musterwerk.schedules.protos import new_state, to_server
from musterwerk.schedules.server import ScheduleServer

_NEVER = Schedule(
    "none", "none", task_queue="none", when=When(at=(datetime(2100, 12, 31, tzinfo=UTC),))
)


async def put_silent(server: ScheduleServer, name: str, set_name: str, note: str) -> bool:
    """One that never fires. False where there is one of this name already."""
    mark = Mark(declared=_NEVER, set_name=set_name, as_of=datetime.now(UTC))
    state = new_state(_NEVER, paused=True)
    state.notes = note
    compiled = compile_when(_NEVER.when, mark.as_of)
    proto = await to_server(_NEVER, compiled, server.client.data_converter, state)
    return await server.create(name, proto, mark)
