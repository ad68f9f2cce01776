"""Several schedules that are one become one, under the name that is declared.

At no time do two of them fire: first all are held, and each says in its mark whether it was paused
before. Then the one that stays takes over how the others stand, they are deleted, and it goes on.
So whoever dies in between leaves what the next apply, of whatever file, goes on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from temporalio.api.schedule.v1 import ScheduleState

from musterwerk.errors import ServerError
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.protos import kept_state
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.schedules.steps import Step

_ATTEMPTS = 20
_LOOKS, _LOOK_SECONDS = 60, 0.05

#: Writes what is wanted over what was described; whether it is there then.
Write = Callable[[ScheduleServer, Described, Mark, ScheduleState], Awaitable[bool]]
#: Puts what is wanted there, where nothing is.
Create = Callable[[ScheduleServer, Mark, ScheduleState], Awaitable[object]]


async def rename(
    server: ScheduleServer, step: Step, wanted: Mark, create: Create, write: Write
) -> None:
    """Raises `ServerError` where somebody changes them all the time, or holds the name."""
    for _ in range(_ATTEMPTS):
        if await _attempt(server, step, wanted, create, write):
            return
    raise ServerError(f"{step.name}: somebody else changes it all the time; try again")


async def _attempt(
    server: ScheduleServer, step: Step, wanted: Mark, create: Create, write: Write
) -> bool:
    others = [one for one in [await _still(server, one) for one in step.family] if one]
    new = await server.describe(step.name)
    if new is None:
        if not others:
            raise ServerError(f"{step.name}: it was deleted meanwhile; plan again")
        state = _kept(others[0], wanted)
        state.paused = True
        await create(server, wanted.model_copy(update={"renaming": False}), state)
        return False  # whoever has made it, it is looked at as it is
    if not new.ours:
        raise ServerError(f"{step.name}: somebody has put another one there meanwhile")
    if not others and new.mark is not None and new.mark.renaming is None:
        return await write(server, new, wanted, _kept(new, wanted))  # another apply was first
    held = [await _held(server, one, wanted) for one in (new, *others)]
    if not all(held):
        return False
    known = [one for one in held if one]
    state, paused = _together(known, wanted)
    # From here on the one that stays knows all that the others knew.
    if not await write(server, known[0], wanted.model_copy(update={"renaming": paused}), state):
        return False
    for one in known[1:]:
        await delete_as_planned(server, one)
    new = await server.describe(step.name)
    if new is None or new.mark is None or new.mark.renaming is None:
        return False
    state.paused = paused
    return await write(server, new, wanted, state)


async def _still(server: ScheduleServer, planned: Described) -> Described | None:
    """As it is by now; None where it has gone, or has become another set's."""
    found = await server.describe(planned.name)
    same = found is not None and found.ours and found.set_name == planned.set_name
    return found if same else None


async def _held(server: ScheduleServer, found: Described, wanted: Mark) -> Described | None:
    """Paused, with a mark that says whether it was before. None where somebody else was first."""
    mark = found.mark or wanted
    if mark.renaming is not None and found.mark is not None:
        return found
    found.proto.state.paused, was_paused = True, found.proto.state.paused
    held = mark.model_copy(update={"renaming": was_paused})
    now = await server.update(found, found.proto, held)
    return now if now and now.mark and now.mark.renaming is not None else None


def _together(held: list[Described], wanted: Mark) -> tuple[ScheduleState, bool]:
    """The state that is common to all: paused if one of them was, with the fewest runs left. The
    note is that of an old one: people write where they have known it."""
    states = [_kept(one, wanted) for one in held]
    state = states[-1]
    if state.limited_actions:
        state.remaining_actions = min(one.remaining_actions for one in states)
    state.paused = True
    return state, any(one.mark.renaming for one in held if one.mark)


def _kept(found: Described, wanted: Mark) -> ScheduleState:
    before = found.mark.declared if found.mark else wanted.declared
    return kept_state(found, before, wanted.declared)


async def delete_as_planned(server: ScheduleServer, planned: Described) -> None:
    """Raises `ServerError` where it has become something else meanwhile: it may be wanted."""
    found = await server.describe(planned.name)
    if found is None:
        return
    if not found.ours or found.mark != planned.mark:
        raise ServerError(f"{planned.name}: it was changed meanwhile; plan again")
    await server.delete(planned.name)
    for _ in range(_LOOKS):
        if await server.describe(planned.name) is None:
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise ServerError(f"{planned.name}: it was deleted, and is still there")
