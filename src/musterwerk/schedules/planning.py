"""What `apply` would do: each declared schedule beside what the server has. Writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice

from musterwerk.schedules.begun import has_begun, memory_of
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.differences import changed_by_hand, differences
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.model import Schedule
from musterwerk.schedules.protos import comparable, new_state, to_server
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer
from musterwerk.schedules.steps import Plan, Step, former_names, rename
from musterwerk.schedules.surplus import renamed_back, surplus, too_many

#: What is spelled out is extended when less than this is left of it.
_LEFT = timedelta(days=365)
_OVER = "all its runs have been, or somebody deleted it; after `destroy` it can begin again"
_LAST = datetime(2100, 12, 31, tzinfo=UTC)


async def make_plan(
    server: ScheduleServer,
    declaration: Declaration,
    *,
    prune: bool = False,
    take_over: bool = False,
    now: datetime | None = None,
    told: Callable[[], object] = lambda: None,
) -> Plan:
    """`told` is called for each that has been looked at. Raises `ServerError`.

    `take_over` also changes what is of another set.
    """
    at = now or datetime.now(UTC)
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(schedule: Schedule) -> Step:
        async with few:
            step = await _step(server, Mark(declared=schedule, set_name=set_name, as_of=at))
            told()
            return step if take_over else _unless_of_another(step, set_name)

    set_name = declaration.set_name
    steps = list(await asyncio.gather(*map(one, declaration.schedules)))
    others = await surplus(server, declaration, steps, everywhere=prune)
    steps = [renamed_back(step, others) for step in steps]
    gone = list(too_many(steps, others, prune=prune))
    touched = {step.was.name for step in (*steps, *gone) if step.was}
    left = tuple(one.name for one in others if one.name not in touched)
    return Plan(declaration, (*steps, *gone), left)


async def make_end(server: ScheduleServer, declaration: Declaration) -> Plan:
    """To delete all of it, also what a rename has left halfway, and what is known of finished ones.
    What is of another set stays."""
    set_name = declaration.set_name
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(name: str) -> list[Step]:
        async with few:
            found, memory = await server.describe(name), await server.describe(memory_of(name))
        if found is not None and not found.ours:
            return [Step(name, "foreign", ("it is not ours",), found)]
        if found is not None and found.set_name not in ("", set_name):
            return [Step(name, "foreign", (f"it is of the set {found.set_name!r}",), found)]
        both = (found, "destroyed"), (memory, "it can begin again")
        return [Step(one.name, "delete", (words,), one) for one, words in both if one]

    declared = declaration.schedules
    names = [one.name for one in declared]
    names += [one.renamed_from for one in declared if one.renamed_from]
    steps = await asyncio.gather(*map(one, names))
    return Plan(declaration, tuple(step for several in steps for step in several))


def _unless_of_another(step: Step, set_name: str) -> Step:
    """Two files that declare one name would undo each other's work."""
    if step.was is None or step.kind == "foreign" or step.was.set_name in ("", set_name):
        return step
    words = (
        f"it is of the set {step.was.set_name!r}, and this is {set_name!r}; name that set, choose "
        "another name, or --take-over",
    )
    return Step(step.name, "foreign", words, step.was)


async def _step(server: ScheduleServer, wanted: Mark) -> Step:
    name, old_name = wanted.declared.name, wanted.declared.renamed_from
    found = await server.describe(name)
    old = await server.describe(old_name) if old_name else None
    if found is None:
        return await _missing(server, wanted, old if old and old.ours else None)
    if not found.ours:
        words = ("there is one of this name that is not ours; choose another name",)
        return Step(name, "foreign", words, found)
    wanted = wanted.model_copy(update={"former": former_names(old_name, found)})
    if old is not None and old.ours and old.set_name == wanted.set_name:
        return Step(name, "rename", (f"{old.name} is still there",), found, wanted)
    if found.mark is None:
        words = ("somebody has put another action into it by hand",)
        return Step(name, "mend", words, found, wanted)
    if found.mark.renaming is not None:
        # From whatever it was called, also where the declaration does not say so any more.
        wanted = wanted.model_copy(update={"former": found.mark.former})
        return Step(name, "rename", ("goes on",), found, wanted)
    return await _compared(server, found, found.mark, wanted)


async def _compared(server: ScheduleServer, found: Described, mark: Mark, wanted: Mark) -> Step:
    name = found.name
    words = differences(mark.declared, wanted.declared)
    if mark.set_name != wanted.set_name:
        words = (f"set: {mark.set_name} -> {wanted.set_name}", *words)
    if words:
        return Step(name, "change", words, found, wanted)
    if words := await by_hand(server, found, mark):
        return Step(name, "mend", words, found, wanted)
    if (until := runs_out(mark, wanted.as_of)) is not None:
        words = (f"holidays or clock changes are told to the server until {until:%Y-%m-%d}",)
        return Step(name, "extend", words, found, wanted)
    return Step(name, "unchanged", (), found, wanted)


async def _missing(server: ScheduleServer, wanted: Mark, old: Described | None) -> Step:
    if old is not None:
        return rename(wanted, old)
    schedule = wanted.declared
    former = former_names(schedule.renamed_from, None)
    wanted = wanted.model_copy(update={"former": former})
    if schedule.runs is not None and await has_begun(server, schedule.name, *former):
        return Step(schedule.name, "finished", (_OVER,), None, wanted)
    if not list(islice(meant(schedule.when, wanted.as_of, _LAST), 1)):
        return Step(
            schedule.name,
            "finished",
            ("no time of it lies ahead: they are past, or left out",),
            None,
            wanted,
        )
    return Step(schedule.name, "create", (), None, wanted)


def runs_out(mark: Mark, now: datetime) -> datetime | None:
    """Up to when the server has been told, if that is less than a year; else None."""
    until = compile_when(mark.declared.when, mark.as_of).complete_until
    return until if until is not None and until - now < _LEFT else None


async def by_hand(server: ScheduleServer, found: Described, mark: Mark) -> tuple[str, ...]:
    """What the server has otherwise than its mark says."""
    converter = server.client.data_converter
    expected = await to_server(
        mark.declared,
        compile_when(mark.declared.when, mark.as_of),
        converter,
        new_state(mark.declared),
    )
    return changed_by_hand(
        await comparable(expected, converter), await comparable(found.proto, converter)
    )
