"""Which schedules on the server are one: what is declared, under its name and those it had.

A schedule remembers the names that it had. So one that was renamed is found whichever file is
applied next, an older one too, and so is what a rename has left behind that was cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.model import Schedule
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer


@dataclass(frozen=True)
class Families:
    """By the names of what is declared: what there is under this name, `found`, and what there is
    of it under others, `members`. `others` are of this set, and of no family."""

    found: Mapping[str, Described | None]
    members: Mapping[str, tuple[Described, ...]]
    others: tuple[Described, ...]


async def find_families(
    server: ScheduleServer,
    declaration: Declaration,
    *,
    everywhere: bool = False,
    told: Callable[[], object] = lambda: None,
) -> Families:
    """What was made in another set, and came to this one later, is only found `everywhere`, among
    all of ours: that takes long. `told` is called for each that is declared.
    Raises `ServerError`."""
    few, set_name = asyncio.Semaphore(SIDE_BY_SIDE), declaration.set_name

    async def ask(name: str, told: Callable[[], object] = lambda: None) -> Described | None:
        async with few:
            found = await server.describe(name)
            told()
            return found

    declared = [one.name for one in declaration.schedules]
    there = await asyncio.gather(*(ask(name, told) for name in declared))
    found = dict(zip(declared, there, strict=True))
    # Asked by name, whatever the list knows by now: it may be some seconds old.
    names = {s.renamed_from for s in declaration.schedules if s.renamed_from}
    names |= {name for one in there if one and one.set_name == set_name for name in _former(one)}
    async for name, made_in in server.listed():
        if everywhere or made_in == set_name:
            names.add(name)
    more = await asyncio.gather(*map(ask, sorted(names - set(declared))))
    left = {one.name: one for one in more if one and one.ours and one.set_name == set_name}
    members = {s.name: tuple(_family(s, found[s.name], left)) for s in _sure_first(declaration)}
    return Families(found, members, tuple(left.values()))


def _sure_first(declaration: Declaration) -> list[Schedule]:
    """One belongs to one family: to that which names it, before those whose name it had."""
    return sorted(declaration.schedules, key=lambda one: one.renamed_from is None)


def _family(
    schedule: Schedule, found: Described | None, left: dict[str, Described]
) -> Iterator[Described]:
    """Takes them out of `left`."""
    names = {schedule.name, schedule.renamed_from}
    if found is not None and found.mark is not None and found.mark.renaming is not None:
        names |= set(_former(found))  # what it is being renamed from goes, whoever says so
    while True:
        one = next((one for one in left.values() if names & {one.name, *_former(one)}), None)
        if one is None:
            return
        names |= {one.name, *_former(one)}
        yield left.pop(one.name)


def _former(found: Described) -> tuple[str, ...]:
    return found.mark.former if found.mark else ()
