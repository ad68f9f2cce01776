"""What a set has on the server that its declaration does not name: left over, or to be pruned."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer
from musterwerk.schedules.steps import Step, rename


async def surplus(
    server: ScheduleServer, declaration: Declaration, steps: Sequence[Step], *, everywhere: bool
) -> list[Described]:
    """But for what the steps rename. What was made in another set, and came to this one later, is
    only found `everywhere`, among all of ours: that takes long."""
    kept = {one.name for one in declaration.schedules}
    for step in steps:
        kept |= {step.was.name} if step.was else set()
        kept |= set(step.wanted.former[:1]) if step.kind == "rename" and step.wanted else set()
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(name: str) -> Described | None:
        async with few:
            return await server.describe(name)  # a list may be old

    names = [
        name
        async for name, made_in in server.listed()
        if name not in kept and (everywhere or made_in == declaration.set_name)
    ]
    found = await asyncio.gather(*map(one, names))
    return [one for one in found if one and one.ours and one.set_name == declaration.set_name]


def renamed_back(step: Step, others: Sequence[Described]) -> Step:
    """Whoever goes back to an older file would else have both names, and both would fire."""
    if step.was is not None or step.wanted is None:
        return step
    for one in others:
        if one.mark and step.name in one.mark.former:
            return rename(step.wanted, one)
    return step


def too_many(steps: Sequence[Step], others: Sequence[Described], *, prune: bool) -> Iterator[Step]:
    """What is to be deleted: by wish, or since a rename to it was given up halfway."""
    there = {step.name for step in steps if step.was and step.was.name == step.name}
    renamed = {step.was.name for step in steps if step.was}
    for one in others:
        if one.name in renamed:
            continue
        if one.mark and one.mark.renaming is not None and one.mark.former[0] in there:
            words = (f"{one.mark.former[0]} was about to be renamed so",)
            yield Step(one.name, "delete", words, one)
        elif prune:
            yield Step(one.name, "delete", ("it is not declared any more",), one)
