"""Random sets of faults, where there are too many to try them all."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from musterwerk.testing.explorer.course import Course
from musterwerk.testing.explorer.faults import AT_THE_END, Fault
from musterwerk.testing.explorer.found import Found
from musterwerk.testing.explorer.search import Search


@dataclass
class Walking(Search):
    """Each walk lets one fault after the other happen, each drawn from those that then can.

    What is found is made smaller, one fault after the other, as long as something is violated:
    with one fault less nothing is. It need not be the smallest set there is.
    """

    walks: int = 0
    seed: int = 0

    def _search(self, found: Found) -> None:
        self.states = None
        draw = random.Random(self.seed)  # noqa: S311 - no secret
        first = self._course(found, ())
        if found.violated is None:
            self._compare(found, first)
        found.exhausted = False
        for number in range(1, self.walks + 1):
            course, found.walks = first, number
            while course.offers and found.violated is None and len(course.faults) < self.max_faults:
                self.tell(len(course.faults) + 1, self.walks)
                course = self._step(found, course, draw)
            if found.violated is not None:
                if not found.violated.missed:
                    self._shrink(found, found.violated)
                return
            if self._is_late():
                return

    def _step(self, found: Found, course: Course, draw: random.Random) -> Course:
        fault = draw.choice(course.offers)
        following = self._course(found, (*course.faults, fault))
        landings = (
            [AT_THE_END, *(one.name for one in following.ends)]
            if fault.kind == "zombie"
            else [AT_THE_END]
        )
        landing = draw.choice(landings)
        if landing == AT_THE_END or found.violated is not None:
            return following
        return self._course(found, (*course.faults, replace(fault, detail=landing)))

    def _shrink(self, found: Found, course: Course) -> None:
        """Leave out what is not needed."""
        for fault in course.faults:
            smaller = tuple(one for one in course.faults if one != fault)
            tried = self._run_as_it_is(found, smaller)
            if tried is not None:
                found.violated = tried
                self._shrink(found, tried)
                return

    def _run_as_it_is(self, found: Found, faults: tuple[Fault, ...]) -> Course | None:
        """None if nothing is violated, or a fault finds no place without the others."""
        course = self.process.course(faults, grow=False)
        self._add(found, course)
        return course if course.violations and not course.missed else None
