"""A plan: what is to be done with each schedule, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.server import Described

Kind = Literal[
    "create", "change", "mend", "extend", "rename", "delete", "unchanged", "finished", "foreign"
]
#: To do; the others are not.
WORK: tuple[Kind, ...] = ("create", "change", "mend", "extend", "rename", "delete")


@dataclass(frozen=True)
class Step:
    """`words` say what differs. `wanted` is what the schedule is to be; None where it is to go, or
    is left alone. `was` is what there is under its name. `family` is what there is of it under
    names that it had, and goes."""

    name: str
    kind: Kind
    words: tuple[str, ...] = ()
    was: Described | None = None
    wanted: Mark | None = None
    family: tuple[Described, ...] = ()


@dataclass(frozen=True)
class Plan:
    """`left` are names of this set that are not declared any more, and stay."""

    declaration: Declaration
    steps: tuple[Step, ...]
    left: tuple[str, ...] = ()

    @property
    def work(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind in WORK)

    @property
    def foreign(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind == "foreign")
