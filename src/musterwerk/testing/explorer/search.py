"""The search through all sets of faults, small sets first."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from musterwerk.testing.explorer.course import Course, Process, Violation
from musterwerk.testing.explorer.faults import AT_THE_END, Fault


@dataclass
class Found:
    """What a search came to. `runs` by the number of faults."""

    violated: Course | None = None
    runs: Counter[int] = field(default_factory=Counter[int])
    points: set[Fault] = field(default_factory=set[Fault])
    statuses: Counter[str] = field(default_factory=Counter[str])
    exhausted: bool = True
    seconds: float = 0.0


@dataclass
class Search:
    process: Process
    max_faults: int
    until: float | None

    def run(self) -> Found:
        """Stops at the first violation, so that no smaller set of faults has one."""
        state, began = random.getstate(), time.monotonic()
        found = Found()
        try:
            self._search(found)
        finally:
            random.setstate(state)
        found.seconds = time.monotonic() - began
        return found

    def _search(self, found: Found) -> None:
        first = self._course(found, (), grow=self.max_faults > 0)
        if found.violated is None:
            self._compare(found, first)
        if found.violated is not None:
            return
        frontier: list[tuple[tuple[Fault, ...], list[Fault]]] = [((), first.offers)]
        for size in range(1, self.max_faults + 1):
            larger: list[tuple[tuple[Fault, ...], list[Fault]]] = []
            for faults, offers in frontier:
                for offer in offers:
                    for course in self._with(found, (*faults, offer), grow=size < self.max_faults):
                        if found.violated is not None:
                            return
                        if course.offers:
                            larger.append((course.faults, course.offers))
                    if self.until is not None and time.monotonic() > self.until:
                        found.exhausted = False
                        return
            frontier = larger

    def _with(self, found: Found, faults: tuple[Fault, ...], *, grow: bool) -> Iterator[Course]:
        """The run with these faults; for a zombie one for every moment at which it can land."""
        course = self._course(found, faults, grow=grow)
        yield course
        last = faults[-1]
        if last.kind == "zombie" and last.detail == AT_THE_END:
            for landing in course.ends:
                other = (*faults[:-1], replace(last, detail=landing))
                yield self._course(found, other, grow=grow)

    def _course(self, found: Found, faults: tuple[Fault, ...], *, grow: bool) -> Course:
        course = self.process.course(faults, grow=grow)
        found.runs[len(faults)] += 1
        found.statuses[course.outcome.status] += 1
        found.points.update(course.offers)
        if course.missed:
            found.violated = _wayward(course)
        elif course.violations:
            found.violated = course
        return course

    def _compare(self, found: Found, first: Course) -> None:
        """Code that depends on anything but what it is told does not do the same again."""
        again = self._course(found, (), grow=False)
        one = [run.history for run in first.outcome.runs]
        if one != [run.history for run in again.outcome.runs]:
            found.violated = _wayward(again)


def _wayward(course: Course) -> Course:
    """Its violation says that no two runs are the same."""
    what = (
        "the process did not do the same in two runs with the same faults: it depends on something"
        " that outlives a run, such as a module's variable, or on chance"
    )
    return replace(course, violations=[Violation("the process is deterministic", what)])
