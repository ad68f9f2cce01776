"""The search through all sets of faults, small sets first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from musterwerk.errors import UsageError
from musterwerk.testing.explorer.course import Course, Process, Violation
from musterwerk.testing.explorer.faults import AT_THE_END, Fault
from musterwerk.testing.explorer.found import EQUAL_STATE, UNREACHABLE, UNSEEN, Found
from musterwerk.testing.explorer.landings import Landing
from musterwerk.testing.explorer.lines import Lines
from musterwerk.testing.explorer.merging import States
from musterwerk.testing.explorer.progress import Progress
from musterwerk.testing.explorer.retrying import holds_anyway
from musterwerk.testing.explorer.varying import holds_elsewhere
from musterwerk.testing.simulator.outcome import Outcome


class _Again(Exception):
    """Merged runs were told apart by an invariant: nothing may be merged."""


@dataclass
class Search:
    process: Process
    max_faults: int
    until: float | None = None
    states: States | None = field(default_factory=States)
    tell: Progress = lambda size, total: None
    lines: Lines | None = None
    keep: Callable[[Outcome], None] | None = None

    def run(self) -> Found:
        """Stops at the first violation, so that no smaller set of faults has one."""
        state, began = random.getstate(), time.monotonic()
        found = Found()
        try:
            try:
                self._search(found)
            except _Again:
                self.states, found = None, Found()
                self._search(found)
        finally:
            random.setstate(state)
        found.states = len(self.states) if self.states is not None else 0
        found.coverage = self.lines.coverage() if self.lines else None
        found.seconds = time.monotonic() - began
        return found

    def once(self, faults: tuple[Fault, ...]) -> Found:
        """One run with these faults; without any two of them, which have to be the same.

        Raises UsageError where a fault finds no place.
        """
        state = random.getstate()
        try:
            course = self.process.course(faults, grow=False)
            if course.missed or course.unlanded:
                raise UsageError(_no_place(faults, course))
            found = Found(violated=course if course.violations else None, exhausted=False)
            self._add(found, course)
            if not faults and found.violated is None:
                self._compare(found, course)
            return found
        finally:
            random.setstate(state)

    def _search(self, found: Found) -> None:
        first = self._course(found, ())
        if found.violated is None:
            self._compare(found, first)
        if found.violated is not None:
            return
        frontier = [first]
        for size in range(1, self.max_faults + 1):
            larger: list[Course] = []
            total = sum(len(course.offers) for course in frontier)
            for course in frontier:
                for offer, after in _with_rest(course.offers):
                    self.tell(size, total)
                    if self._is_late():
                        found.exhausted = False
                        return
                    if size == self.max_faults and holds_anyway(self.process, course, offer):
                        found.tried.add(offer)
                        found.pruned[UNSEEN] += 1
                        continue
                    for one in self._with(found, (*course.faults, offer)):
                        if found.violated is not None:
                            return
                        if size < self.max_faults:
                            larger.append(one)
                            lost = len(after.difference(one.offers))
                            if lost and one.outcome is not None:
                                found.pruned[UNREACHABLE] += lost
                    if self._is_late():
                        found.exhausted = False
                        return
            frontier = larger

    def _with(self, found: Found, faults: tuple[Fault, ...]) -> Iterator[Course]:
        """The run with these faults; for a zombie one for every moment at which it can land."""
        course = self._course(found, faults)
        yield course
        for index, one in enumerate(faults):
            if one.kind == "zombie" and one.detail == AT_THE_END:
                for landing in course.ends:
                    if self._is_late():
                        return
                    if self._differs(found, course, landing):
                        landed = replace(one, detail=landing.name)
                        yield self._course(found, (*faults[:index], landed, *faults[index + 1 :]))

    def _is_late(self) -> bool:
        return self.until is not None and time.monotonic() > self.until

    def _differs(self, found: Found, course: Course, landing: Landing) -> bool:
        """Whether the workflow has to run again for a zombie that lands elsewhere."""
        if len(course.faults) < self.max_faults or not holds_elsewhere(
            self.process, course, landing
        ):
            return True
        found.pruned[UNSEEN] += 1
        return False

    def _course(self, found: Found, faults: tuple[Fault, ...]) -> Course:
        left = self.max_faults - len(faults)
        # Lines that only run after two faults are rare, and counting them makes runs slow.
        counting = self.lines.traced() if self.lines and len(faults) <= 1 else nullcontext()
        try:
            with counting:
                course = self.process.course(faults, grow=left > 0, states=self.states, left=left)
        except Exception as error:
            error.add_note(f"with these faults: {'; '.join(map(str, faults)) or 'none'}")
            raise
        self._add(found, course)
        if course.looked and found.pruned[EQUAL_STATE]:
            raise _Again
        if course.looked:
            self.states = None
        if course.missed:
            found.violated = _wayward(course)
        elif course.violations:
            found.violated = course
        return course

    def _add(self, found: Found, course: Course) -> None:
        found.add(course)
        if self.keep is not None and course.outcome is not None:
            self.keep(course.outcome)

    def _compare(self, found: Found, first: Course) -> None:
        """Code that depends on anything but what it is told does not do the same again."""
        again = self.process.course((), grow=False)
        found.runs[0] += 1
        if first.outcome is None or again.outcome is None:
            return
        if [run.history for run in first.outcome.runs] != [
            run.history for run in again.outcome.runs
        ]:
            found.violated = _wayward(again)


def _with_rest(offers: list[Fault]) -> Iterator[tuple[Fault, set[Fault]]]:
    """Each with those that came after it."""
    for index, offer in enumerate(offers):
        yield offer, set(offers[index + 1 :])


def _no_place(faults: tuple[Fault, ...], course: Course) -> str:
    lost = [one for one in faults if one not in course.met or one in course.unlanded]
    missed = "; ".join(map(str, lost))
    return (
        f"these faults of `only` have no place in the process as it is now: {missed}. Explore it"
        " without `only`, and take the faults from what is found, if anything is"
    )


def _wayward(course: Course) -> Course:
    """Its violation says that no two runs are the same."""
    what = (
        "the process did not do the same in two runs with the same faults: it depends on something"
        " that outlives a run, such as a module's variable, or on chance"
    )
    return replace(course, violations=[Violation("the process is deterministic", what)])
