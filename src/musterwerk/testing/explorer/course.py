"""One run of a process in a fresh world, and whether everything that has to hold did."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from musterwerk.testing.explorer.deciding import Deciding
from musterwerk.testing.explorer.faults import Fault
from musterwerk.testing.simulator.decisions import Attempt, Message, Task
from musterwerk.testing.simulator.handle import SimulatedHandle
from musterwerk.testing.simulator.outcome import Outcome
from musterwerk.testing.simulator.simulator import Simulator
from musterwerk.testing.worlds import World, activities_of

WorldType: TypeAlias = Callable[[], AbstractContextManager[World]]
Invariant: TypeAlias = Callable[[Any, Any], None]
#: A run of more workflow tasks goes on for ever.
_TASKS = 500


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold, by its name, with what it said."""

    invariant: str
    message: str


@dataclass
class Course:
    """How one run went."""

    faults: tuple[Fault, ...]
    outcome: Outcome
    violations: list[Violation]
    offers: list[Fault] = field(default_factory=list[Fault])
    ends: list[str] = field(default_factory=list[str])
    missed: bool = False
    journal: Sequence[Fault | Attempt | Task] = ()


@dataclass(frozen=True)
class Process:
    """What is explored: everything that is the same for all runs."""

    simulator: Simulator
    run: Callable[..., Awaitable[Any]]
    args: tuple[Any, ...]
    world: WorldType
    invariants: Sequence[Invariant]
    always: Sequence[Invariant]
    arrivals: Sequence[Message]
    kill: bool
    seed: int
    may_wait: bool
    outside: Callable[[SimulatedHandle], Awaitable[None]] | None

    def course(self, faults: tuple[Fault, ...], *, grow: bool) -> Course:
        """Run it once with these faults; `grow` if sets that contain this one are to be tried."""
        violations: list[Violation] = []
        # Code that draws from it though it should not does so in the same way each time.
        random.seed(self.seed)
        with self.world() as world:
            deciding = Deciding(
                faults,
                self.arrivals,
                kill=self.kill,
                grow=grow,
                quiet=(lambda: self._check(self.always, world, None, violations))
                if self.always
                else None,
            )
            outcome = self.simulator.run(
                self.run,
                *self.args,
                activities=activities_of(world),
                decisions=deciding,
                seed=self.seed,
                outside=self.outside,
                max_tasks=_TASKS,
            )
            if not violations:
                self._end(world, outcome, faults, violations)
        missed = len(deciding.met) < len(faults)
        return Course(
            faults, outcome, violations, deciding.offers, deciding.ends, missed, deciding.journal
        )

    def _end(
        self, world: Any, outcome: Outcome, faults: Sequence[Fault], found: list[Violation]
    ) -> None:
        for problem in outcome.problems:
            found.append(Violation("eviction", problem))
        if outcome.task_failure is not None and outcome.status == "running":
            found.append(Violation("no workflow task fails", outcome.task_failure))
        elif (
            outcome.status == "running"
            and not self.may_wait
            and not any(one.kind == "fails for ever" for one in faults)
        ):
            what = "is still running when nothing is left to happen"
            if outcome.stopped == "tasks":
                what = f"goes on for ever: {_TASKS} workflow tasks, and no end"
            found.append(Violation("the process ends", f"the workflow {what}"))
        self._check(self.invariants, world, outcome, found)

    def _check(
        self,
        invariants: Sequence[Invariant],
        world: Any,
        outcome: Outcome | None,
        found: list[Violation],
    ) -> None:
        for invariant in invariants:
            try:
                invariant(world, outcome)
            except AssertionError as error:
                name = getattr(invariant, "__name__", repr(invariant))
                found.append(Violation(name, str(error) or "does not hold"))
