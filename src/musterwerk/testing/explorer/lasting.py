"""Faults that go on for several attempts: where they are at work, and when they are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from musterwerk.testing.explorer.faults import ENDLESS, OFTEN, WIDE, Fault, start_of
from musterwerk.testing.explorer.places import Place
from musterwerk.testing.simulator.decisions import Attempt, Start


class Lasting:
    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = [one for one in faults if one.kind in WIDE]
        self._failed: Counter[Fault] = Counter()
        self._over: set[Fault] = set()

    def at(self, place: Place) -> Fault | None:
        """The one that is at work here."""
        for fault in self._faults:
            if _is_over(fault, place):
                self._over.add(fault)
            if _covers(fault, place):
                return fault
        return None

    def start(self, fault: Fault, attempt: Attempt, *, hurry: bool) -> Start:
        """How this attempt begins, which is one more that it makes fail."""
        self._failed[fault] += 1
        gives_up = attempt.number > 1 and 0 < attempt.most < ENDLESS
        return start_of(fault, self._failed[fault], gives_up=gives_up, hurry=hurry)

    def state(self) -> list[tuple[Fault, int]]:
        """Those that are not over, with how often they have failed."""
        return [(one, self._failed[one]) for one in self._faults if one not in self._over]


def _is_over(fault: Fault, place: Place) -> bool:
    same = (fault.workflow, fault.step, fault.occurrence) == place[:3]
    return fault.kind == "fails often" and same and place[3] > OFTEN


def _covers(fault: Fault, place: Place) -> bool:
    workflow, step, occurrence, attempt = place
    if (fault.workflow, fault.step) != (workflow, step):
        return False
    if fault.kind == "fails for ever":
        return occurrence >= fault.occurrence
    return occurrence == fault.occurrence and attempt <= OFTEN
