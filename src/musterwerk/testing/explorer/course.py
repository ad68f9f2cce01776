"""One run of a process in a fresh world, and whether everything that has to hold did."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from musterwerk.errors import MusterwerkError
from musterwerk.testing.explorer.asked import Asked, Invariant
from musterwerk.testing.explorer.deciding import Deciding
from musterwerk.testing.explorer.faults import Fault
from musterwerk.testing.explorer.landings import Landing
from musterwerk.testing.explorer.merging import Cut, States, Watched, can_be_compared
from musterwerk.testing.explorer.places import Place
from musterwerk.testing.simulator.decisions import Attempt, Task
from musterwerk.testing.simulator.outcome import Outcome
from musterwerk.testing.simulator.simulator import Simulator
from musterwerk.testing.simulator.standing import Standing
from musterwerk.testing.worlds import activities_of


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold, by its name, with what it said."""

    invariant: str
    message: str


@dataclass
class Course:
    """How one run went. It has no outcome if it was cut short, for it went on as another one did.

    `looked`: an invariant went by how the run came to its end, not only by where it ended.
    `took_time`: an activity did not end in the instant in which it began.
    """

    faults: tuple[Fault, ...]
    outcome: Outcome | None = None
    violations: list[Violation] = field(default_factory=list[Violation])
    offers: list[Fault] = field(default_factory=list[Fault])
    ends: list[Landing] = field(default_factory=list[Landing])
    zombies: Set[Attempt] = frozenset()
    unlanded: Set[Fault] = frozenset()
    lonely: Mapping[Place, Attempt] = field(default_factory=dict[Place, Attempt])
    met: Set[Fault] = frozenset()
    journal: Sequence[Fault | Attempt | Task] = ()
    looked: bool = False
    took_time: bool = True

    @property
    def missed(self) -> bool:
        """Whether a fault found no place: those before it have led elsewhere."""
        return len(self.met) < len(self.faults)


@dataclass(frozen=True)
class Process:
    simulator: Simulator
    asked: Asked

    def course(
        self,
        faults: tuple[Fault, ...],
        *,
        grow: bool,
        states: States | None = None,
        left: int = 0,
    ) -> Course:
        """Run it once with these faults; `grow` if sets that contain this one are to be tried.

        With `states` it is cut short where it stands as another run did before, from which at least
        as many faults as are `left` for this one were tried.
        """
        asked, course = self.asked, Course(faults)
        # Code that draws from it though it should not does so in the same way each time.
        random.seed(asked.seed)
        with asked.world() as world:
            deciding = Deciding(
                faults, asked.arrivals, kill=asked.kill, hurry=asked.hurry,
                possible=asked.possible, grow=grow,
            )  # fmt: skip
            standing = Standing()
            deciding.faults.landings.unheard = standing.gives_up
            deciding.alone = standing.alone if asked.hurry and grow else None
            if asked.always:
                deciding.quiet = lambda: check(asked.always, world, None, course.violations)
            if states is not None and can_be_compared(world):
                cut = states.cutter(world, deciding, standing, left)
                deciding.cut = lambda: None if course.violations else cut()
            try:
                outcome = self.simulator.run(
                    asked.run,
                    *asked.args,
                    activities=activities_of(world),
                    decisions=deciding,
                    seed=asked.seed,
                    outside=asked.outside,
                    max_tasks=asked.max_tasks,
                    horizon=asked.horizon,
                    messages=asked.expected,
                    standing=standing,
                )
            except Cut:
                pass
            else:
                course.outcome = outcome
                if not course.violations:
                    self._end(world, course, outcome)
            finally:
                self.simulator.clear()
        happened = deciding.faults
        course.offers, course.met, course.journal = happened.offers, happened.met, happened.journal
        course.ends, course.unlanded = happened.landings.possible, happened.landings.missed()
        course.zombies, course.lonely = deciding.zombies, deciding.lonely
        course.took_time = standing.took_time()
        return course

    def _end(self, world: Any, course: Course, outcome: Outcome) -> None:
        found = course.violations
        for problem in outcome.problems:
            found.append(Violation("eviction", problem))
        broken = [(run, one) for run in outcome.runs for one in run.task_failures]
        for run, failure in broken:
            where = "" if run is outcome.runs[0] else f"{run.workflow_type} {run.workflow_id}: "
            found.append(Violation("no workflow task fails", where + failure))
        if (
            not broken  # or who waits, waits because of that
            and outcome.status == "running"
            and not self.asked.may_wait
            and not any(one.kind == "fails for ever" for one in course.faults)
        ):
            what = "is still running when nothing is left to happen"
            if outcome.waits:
                what += f"; it waits at {', '.join(outcome.waits)}"
            if outcome.stopped == "tasks":
                what = f"goes on for ever, or for more than {self.asked.max_tasks} workflow tasks"
                what += " in all its runs: then give `max_tasks`"
            if outcome.stopped == "time":
                what = f"goes on for ever, or for more than {self.asked.horizon}: then"
                what += " give `horizon`"
            found.append(Violation("the process ends", f"the workflow {what}"))
        watched = Watched.of(outcome)
        check(self.asked.invariants, world, watched, found)
        course.looked = bool(watched.looked)


def check(
    invariants: Sequence[Invariant], world: Any, outcome: Outcome | None, found: list[Violation]
) -> None:
    for invariant in invariants:
        try:
            invariant(world, outcome)
        except MusterwerkError:
            raise  # it cannot be asked
        except Exception as error:
            name = getattr(invariant, "__name__", repr(invariant))
            said = str(error) or "does not hold"
            if not isinstance(error, AssertionError):
                said = f"raised {type(error).__name__}: {error}"
            # Asked at every quiet point, it may say the same many times.
            if Violation(name, said) not in found:
                found.append(Violation(name, said))
