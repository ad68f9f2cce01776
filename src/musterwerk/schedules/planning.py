"""What `apply` would do: each declared schedule beside what the server has. Writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal

from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.differences import changed_by_hand, differences
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.model import Schedule, When
from musterwerk.schedules.protos import comparable, new_state, to_server
from musterwerk.schedules.server import Described, ScheduleServer

Kind = Literal[
    "create", "change", "mend", "extend", "rename", "delete", "unchanged", "finished", "foreign"
]
#: To do; the others are not.
WORK: tuple[Kind, ...] = ("create", "change", "mend", "extend", "rename", "delete")
#: What is spelled out is extended when less than this is left of it.
_LEFT = timedelta(days=365)
_SIDE_BY_SIDE = 24
_OVER = "all its runs have been, or somebody deleted it; after `destroy` it can begin again"
_LAST = datetime(2100, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """`words` say what differs. `wanted` is what the schedule is to be; None where it is to go."""

    name: str
    kind: Kind
    words: tuple[str, ...] = ()
    was: Described | None = None
    wanted: Mark | None = None


@dataclass(frozen=True)
class Plan:
    """`begun` are the names of schedules with a number of runs that have been put there once."""

    declaration: Declaration
    steps: tuple[Step, ...]
    begun: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def work(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind in WORK)

    @property
    def foreign(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind == "foreign")


def ledger_of(set_name: str) -> Schedule:
    """A paused schedule that never fires: its mark says which schedules with a number of runs have
    been put there. When those have run the server forgets them, and they would begin again."""
    return Schedule(
        f"musterwerk.begun.{set_name}", "none", task_queue="none", when=When(at=(_LAST,))
    )


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
    begun = await _begun(server, declaration)
    few = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(schedule: Schedule) -> Step:
        async with few:
            step = await _step(server, declaration, schedule, begun, at)
            if step.was is not None and not take_over:
                step = _unless_of_another(step, declaration.set_name)
            told()
            return step

    steps = list(await asyncio.gather(*map(one, declaration.schedules)))
    if prune:
        steps += await _too_many(server, declaration, steps)
    return Plan(declaration, tuple(steps), begun)


def _unless_of_another(step: Step, set_name: str) -> Step:
    """Two files that declare one name would undo each other's work."""
    mark = step.was.mark if step.was else None
    if mark is None or mark.set_name == set_name:
        return step
    words = (
        f"it is of the set {mark.set_name!r}, and this is {set_name!r}; name that set, choose "
        "another name, or --take-over",
    )
    return Step(step.name, "foreign", words, step.was)


async def _begun(server: ScheduleServer, declaration: Declaration) -> frozenset[str]:
    if all(one.runs is None for one in declaration.schedules):
        return frozenset()
    found = await server.describe(ledger_of(declaration.set_name).name)
    return frozenset(found.mark.begun if found and found.mark else ())


async def _step(
    server: ScheduleServer,
    declaration: Declaration,
    schedule: Schedule,
    begun: frozenset[str],
    now: datetime,
) -> Step:
    found = await server.describe(schedule.name)
    wanted = Mark(declared=schedule, set_name=declaration.set_name, as_of=now)
    if found is None:
        return await _missing(server, schedule, wanted, begun, now)
    if not found.ours:
        words = ("there is one of this name that is not ours; choose another name",)
        return Step(schedule.name, "foreign", words, found)
    if found.mark is None:
        words = ("somebody has put another action into it by hand",)
        return Step(schedule.name, "mend", words, found, wanted)
    if found.mark.renaming is not None:
        return Step(schedule.name, "rename", ("goes on",), found, wanted)
    words = differences(found.mark.declared, schedule)
    if found.mark.set_name != wanted.set_name:
        words = (f"set: {found.mark.set_name} -> {wanted.set_name}", *words)
    if words:
        return Step(schedule.name, "change", words, found, wanted)
    if words := await by_hand(server, found, found.mark):
        return Step(schedule.name, "mend", words, found, wanted)
    if (until := runs_out(found.mark, now)) is not None:
        words = (f"holidays or clock changes are told to the server until {until:%Y-%m-%d}",)
        return Step(schedule.name, "extend", words, found, wanted)
    return Step(schedule.name, "unchanged", (), found, wanted)


async def _missing(
    server: ScheduleServer,
    schedule: Schedule,
    wanted: Mark,
    begun: frozenset[str],
    now: datetime,
) -> Step:
    if schedule.renamed_from is not None:
        old = await server.describe(schedule.renamed_from)
        if old is not None and old.ours:
            return Step(schedule.name, "rename", (f"{old.name} -> {schedule.name}",), old, wanted)
    if schedule.runs is not None and schedule.name in begun:
        return Step(schedule.name, "finished", (_OVER,))
    if not list(islice(meant(schedule.when, now, _LAST), 1)):
        return Step(
            schedule.name, "finished", ("no time of it lies ahead: they are past, or left out",)
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


async def _too_many(
    server: ScheduleServer, declaration: Declaration, steps: Iterable[Step]
) -> list[Step]:
    """Those of this set that are not declared any more, but for those about to be renamed."""
    kept = {one.name for one in declaration.schedules}
    kept |= {step.was.name for step in steps if step.was is not None}
    kept.add(ledger_of(declaration.set_name).name)
    found: list[Step] = []
    async for name in server.names():
        if name not in kept:
            was = await server.describe(name)  # a list may be old
            if was and was.mark and was.mark.set_name == declaration.set_name:
                found.append(Step(name, "delete", ("it is not declared any more",), was))
    return found
