"""What `apply` would do: each declared schedule beside what the server has. Writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice

from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.differences import changed_by_hand, differences
from musterwerk.schedules.families import find_families
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.model import Schedule
from musterwerk.schedules.protos import comparable, new_state, to_server
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer
from musterwerk.schedules.steps import Plan, Step
from musterwerk.schedules.tombstones import has_begun, tombstone_of

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
    at, set_name = now or datetime.now(UTC), declaration.set_name
    families = await find_families(server, declaration, everywhere=prune, told=told)
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(schedule: Schedule) -> Step:
        async with few:
            wanted = Mark(declared=schedule, set_name=set_name, as_of=at)
            found, members = families.found[schedule.name], families.members[schedule.name]
            return await _step(server, wanted, found, members, take_over=take_over)

    steps = list(await asyncio.gather(*map(one, declaration.schedules)))
    if prune:
        words = ("it is not declared any more",)
        steps += [Step(one.name, "delete", words, one) for one in families.others]
    left = () if prune else tuple(one.name for one in families.others)
    return Plan(declaration, tuple(steps), left)


async def make_end(server: ScheduleServer, declaration: Declaration) -> Plan:
    """To delete all of it, under all names that it had, and what is known of finished ones. What
    is of another set stays."""
    set_name = declaration.set_name
    families = await find_families(server, declaration)
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(schedule: Schedule) -> list[Step]:
        name, members = schedule.name, families.members[schedule.name]
        found = families.found[name]
        async with few:
            names = (name, *_former(schedule, found, members))
            memories = [await server.describe(tombstone_of(one)) for one in names]
        if found is not None and (words := _not_of(found, set_name)):
            return [Step(name, "foreign", (words,), found)]
        gone = [(one, "destroyed") for one in (found, *members) if one]
        there = bool(gone)
        gone += [
            (one, "it can begin again")
            for one in memories
            if one and one.ours and (there or one.set_name == set_name)
        ]
        return [Step(one.name, "delete", (words,), one) for one, words in gone]

    steps = await asyncio.gather(*map(one, declaration.schedules))
    return Plan(declaration, tuple(step for several in steps for step in several))


def _not_of(found: Described, set_name: str) -> str:
    """Why it is none of this set, if it is none: two files of one name would undo each other's
    work."""
    if not found.ours:
        return "there is one of this name that is not ours; choose another name"
    if found.set_name in ("", set_name):
        return ""
    return (
        f"it is of the set {found.set_name!r}, and this is {set_name!r}; name that set, choose "
        "another name, or --take-over"
    )


async def _step(
    server: ScheduleServer,
    wanted: Mark,
    found: Described | None,
    members: tuple[Described, ...],
    *,
    take_over: bool,
) -> Step:
    name, old_name, set_name = wanted.declared.name, wanted.declared.renamed_from, wanted.set_name
    old = await server.describe(old_name) if old_name and not (found or members) else None
    if old is not None and old.ours:
        members = (old,)  # of another set, and so only for --take-over
    for one in (found, *members):
        if one is None or (one.ours and take_over):
            continue
        if words := _not_of(one, set_name):
            return Step(name, "foreign", (words,), one)
    former = _former(wanted.declared, found, members)
    wanted = wanted.model_copy(update={"former": former})
    if found is None and not members:
        return await _missing(server, wanted)
    if members:
        words = tuple(f"{one.name} -> {name}" for one in members)
        return Step(name, "rename", words, found, wanted, members)
    assert found is not None  # noqa: S101 - or it would be missing
    if found.mark is None:
        words = ("somebody has put another action into it by hand",)
        return Step(name, "mend", words, found, wanted)
    if found.mark.renaming is not None:
        return Step(name, "rename", ("goes on",), found, wanted)
    return await _compared(server, found, found.mark, wanted)


def _former(
    schedule: Schedule, found: Described | None, members: tuple[Described, ...]
) -> tuple[str, ...]:
    """All names that it had, by what there is of it."""
    names = [schedule.renamed_from] if schedule.renamed_from else []
    for one in (*members, found):
        if one is not None:
            names += [one.name, *(one.mark.former if one.mark else ())]
    return tuple(name for name in dict.fromkeys(names) if name != schedule.name)


async def _missing(server: ScheduleServer, wanted: Mark) -> Step:
    schedule = wanted.declared
    if schedule.runs is not None and await has_begun(server, schedule.name, *wanted.former):
        return Step(schedule.name, "finished", (_OVER,), None, wanted)
    if not list(islice(meant(schedule.when, wanted.as_of, _LAST), 1)):
        words = ("no time of it lies ahead: they are past, or left out",)
        return Step(schedule.name, "finished", words)
    return Step(schedule.name, "create", (), None, wanted)


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
