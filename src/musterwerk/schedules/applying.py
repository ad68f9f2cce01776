"""Doing what the plan says. Each write is read back: the server may take it and not do it.

What is left half done by a failure is found by the next plan, and done then.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.api.schedule.v1 import ScheduleState
from temporalio.client import Client

from musterwerk.errors import MusterwerkError, ServerError
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.declaring import in_code
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.model import Schedule
from musterwerk.schedules.planning import by_hand, make_plan
from musterwerk.schedules.protos import kept_state, new_state, to_server
from musterwerk.schedules.renaming import delete_as_planned, rename
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer
from musterwerk.schedules.steps import WORK, Plan, Step
from musterwerk.schedules.tombstones import leave_tombstone

_ATTEMPTS = 20
#: Before somebody tries again who was not first.
_PAUSE_SECONDS = 0.05
#: Compiled so near to each other, two of the same declaration are the same.
_SAME_TIME = timedelta(days=1)


@dataclass(frozen=True)
class Done:
    """`flaw` says why it was not done."""

    step: Step
    flaw: str = ""


async def apply_plan(
    server: ScheduleServer, plan: Plan, told: Callable[[Done], object] = lambda _: None
) -> list[Done]:
    """`told` hears of each as it is done. One that fails does not keep the others from it."""
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(step: Step) -> Done:
        async with few:
            try:
                await _do(server, step)
                done = Done(step)
            except MusterwerkError as error:
                done = Done(step, str(error))
            if step.kind in WORK:
                told(done)
            return done

    found = await asyncio.gather(*map(one, plan.steps))
    return [done for done in found if done.step.kind in WORK or done.flaw]


async def put(client: Client, schedules: Iterable[Schedule], set_name: str, *, prune: bool) -> None:
    """Plan and apply. Raises `ServerError`, `UsageError` where two have one name."""
    server = ScheduleServer(client)
    plan = await make_plan(server, in_code(schedules, set_name), prune=prune)
    flaws = [f"{one.step.name}: {one.flaw}" for one in await apply_plan(server, plan) if one.flaw]
    flaws += [f"{step.name}: {'; '.join(step.words)}" for step in plan.foreign]
    if flaws:
        raise ServerError("; ".join(flaws))


async def _do(server: ScheduleServer, step: Step) -> None:
    wanted = step.wanted
    if step.kind == "delete" and step.was is not None:
        await delete_as_planned(server, step.was)
    if wanted is None:
        return
    if step.kind == "create":
        await _create(server, wanted, new_state(wanted.declared))
    elif step.kind == "rename":
        await rename(server, step, wanted, _put, _write)
    elif step.kind in WORK:
        await change(server, step.name, wanted)
    if wanted.declared.runs is not None:
        # Also where there is nothing to do: an apply before this one may have been cut off.
        await leave_tombstone(server, step.name, wanted.set_name)


async def _create(server: ScheduleServer, wanted: Mark, state: ScheduleState) -> None:
    name = wanted.declared.name
    if not await _put(server, wanted, state):
        found = await server.describe(name)
        if found is None or not found.ours:
            raise ServerError(f"{name}: somebody has put another one there meanwhile")
    # Where it was created this only proves it; with two applies at once the other may be first.
    await change(server, name, wanted)


async def _put(server: ScheduleServer, wanted: Mark, state: ScheduleState) -> bool:
    """False where there is one of this name."""
    declared, converter = wanted.declared, server.client.data_converter
    compiled = compile_when(declared.when, wanted.as_of)
    proto = await to_server(declared, compiled, converter, state)
    return await server.create(declared.name, proto, wanted)


async def change(server: ScheduleServer, name: str, wanted: Mark) -> None:
    """What is running of it stays as it is."""
    for _ in range(_ATTEMPTS):
        was = await server.describe(name)
        if was is None or not was.ours:
            raise ServerError(f"{name}: it was deleted meanwhile; plan again")
        if not await _otherwise(server, was, wanted):
            return
        before = was.mark.declared if was.mark else wanted.declared
        if await _write(server, was, wanted, kept_state(was, before, wanted.declared)):
            return
        await asyncio.sleep(_PAUSE_SECONDS * random.random())  # noqa: S311 - so that one is first
    raise ServerError(f"{name}: somebody else changes it all the time; try again")


async def extend(server: ScheduleServer, was: Described, mark: Mark, as_of: datetime) -> bool:
    """Tell the server for longer what it has; not where somebody has changed it since."""
    wanted = mark.model_copy(update={"as_of": as_of})
    return await _write(server, was, wanted, kept_state(was, mark.declared, mark.declared))


async def _write(
    server: ScheduleServer, was: Described, wanted: Mark, state: ScheduleState
) -> bool:
    """Whether it is there then: whoever has changed it since `was` was described is first."""
    declared, converter = wanted.declared, server.client.data_converter
    compiled = compile_when(declared.when, wanted.as_of)
    proto = await to_server(declared, compiled, converter, state)
    found = await server.update(was, proto, wanted)
    if found is None:
        return False
    words = await _otherwise(server, found, wanted)
    if words and found.mark == wanted:
        raise ServerError(f"{was.name}: the server took it otherwise: {'; '.join(words)}")
    return not words


async def _otherwise(server: ScheduleServer, found: Described, wanted: Mark) -> tuple[str, ...]:
    """How it is not what is wanted. It may also be the work of another apply at the same time."""
    if found.mark is None or abs(found.mark.as_of - wanted.as_of) > _SAME_TIME:
        return ("it is not told yet",)
    if found.mark.model_copy(update={"as_of": wanted.as_of}) != wanted:
        return ("it is declared otherwise",)
    return await by_hand(server, found, found.mark)
