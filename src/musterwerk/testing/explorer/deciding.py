"""Lets a given set of faults happen in one run, and notes which others could have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

from musterwerk.testing.explorer.faults import (
    AFTER,
    AT_THE_END,
    BEFORE,
    ENDLESS,
    OFTEN,
    ORDERS,
    WIDE,
    Fault,
    Kind,
    report_of,
    start_of,
)
from musterwerk.testing.simulator.clock import Delivery
from musterwerk.testing.simulator.decisions import (
    Attempt,
    Message,
    Report,
    Start,
    Task,
    TaskEnd,
    TaskStart,
)

_A_MOMENT = timedelta(milliseconds=1)
_DIES: tuple[Kind, ...] = ("worker killed in the task",)
_FORGETS = Fault("", "", 0, 0, "worker forgets")
_START, _REPORT, _TASK, _END = Start(), Report(), TaskStart(), TaskEnd()

Possible: TypeAlias = Callable[[Fault], bool]
Place: TypeAlias = tuple[str, str, int, int]


@dataclass(frozen=True)
class Landing:
    """Where a zombie's effect can land: just after an attempt has ended. `unheard`: nobody waits
    for the zombie any more by then."""

    name: str
    after: Attempt
    unheard: bool


class Deciding:
    """Decisions for one run.

    `offers` are the faults that were possible after the last of this set had happened: with each of
    them the set grows to another one. `met` are those of the set that found their place. `ends` are
    the moments at which the effect of a zombie can land. `journal` has all that happened in order.
    `quiet` is called where nothing runs, `cut` before a task once all faults have happened.
    `unheard` tells whether nobody waits for zombies any more, which `zombies` are. `lonely` are the
    attempts that succeeded while nothing else was under way, which `alone` tells.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        arrivals: Sequence[Message],
        *,
        kill: bool,
        hurry: bool = False,
        possible: Possible | None = None,
        grow: bool = True,
    ) -> None:
        self.quiet: Callable[[], None] | None = None
        self.cut: Callable[[], None] | None = None
        self.offers: list[Fault] = []
        self.unheard: Callable[[], bool] | None = None
        self.alone: Callable[[], bool] | None = None
        self.lonely: dict[Place, Attempt] = {}
        self.ends: list[Landing] = []
        self.met: set[Fault] = set()
        self.journal: list[Fault | Attempt | Task] = []
        self._faults = tuple(faults)
        self._by_place: dict[Place, list[Fault]] = {}
        for one in faults:
            place = (one.workflow, one.step, one.occurrence, one.attempt)
            self._by_place.setdefault(place, []).append(one)
        self._wide = [one for one in faults if one.kind in WIDE]
        self._landings = {one.detail for one in faults if one.kind == "zombie"}
        self._arrivals = {str(one): one for one in arrivals}
        self._kill = kill
        self._hurry = hurry
        self._possible = possible
        self._grow = grow
        self._ordinals: dict[tuple[str, str], dict[tuple[str, int], int]] = {}
        self._evict: set[str] = set()
        self._under_way: set[Attempt] = set()
        self.zombies: set[Attempt] = set()
        self._orders = 0
        self._failed: Counter[Fault] = Counter()
        self._spent: set[Fault | str] = set()
        self._alone = self._queueing = False
        self._forgets = _FORGETS in faults
        if self._forgets:
            self.met.add(_FORGETS)
            self.journal.append(_FORGETS)
        elif kill and grow and not faults:
            self._offer(_FORGETS)

    def attempt_starts(self, attempt: Attempt) -> Start:
        place = self._place(attempt)
        send = self._arriving(place, "arrives during the activity")
        self._alone = self._alone or bool(send)
        start = self._outcome(place, attempt)
        if start.run and not start.held:
            self._under_way.add(attempt)
        queued = max(start.queued, _A_MOMENT) if self._queueing else start.queued
        return replace(start, send=send, queued=queued) if send or queued else start

    def _outcome(self, place: Place, attempt: Attempt) -> Start:
        for fault in self._wide:
            if _is_over(fault, place):
                self._spent.add(fault)
            if _covers(fault, place):
                self._meet(fault)
                self._failed[fault] += 1
                failed = self._failed[fault]
                gives_up = attempt.number > 1 and 0 < attempt.most < ENDLESS
                return start_of(fault, failed, gives_up=gives_up, hurry=self._hurry)
        kinds = (*BEFORE, *WIDE) if attempt.number == 1 else BEFORE
        found = self._choose(place, kinds)
        if found is None:
            return _START
        if found.kind == "zombie":
            self.zombies.add(attempt)
        return start_of(found, hurry=self._hurry)

    def attempt_ends(self, attempt: Attempt, failed: bool) -> Report:
        called = attempt in self._under_way
        self._under_way.discard(attempt)
        self.journal.append(attempt)
        if attempt in self.zombies:
            return _REPORT
        place = self._place(attempt)
        if not failed and not attempt.local and self.alone is not None and self.alone():
            self.lonely[place] = attempt
        send = self._arriving(place, "arrives before the reply")
        landing = f"after {place[1]} {place[2]} of {place[0]}, attempt {place[3]}"
        if self._landings:
            unheard = self.unheard is not None and self.unheard()
            self.ends.append(Landing(landing, attempt, unheard))
        release = landing in self._landings
        if release:
            self._spent.add(landing)
        kinds: Sequence[Kind] = AFTER
        if failed:  # by itself: its answer can be lost as well
            kinds = ("timeout with effect",) if called else ()
        if kinds and self._kill and not attempt.local:
            kinds = (*kinds, "worker killed in the activity")
        found = self._choose(place, kinds)
        if found is None:
            return Report(release=release, send=send) if send or release else _REPORT
        if found.kind == "worker killed in the activity":
            self._evict.add(attempt.run_id)
        return replace(report_of(found, hurry=self._hurry), release=release, send=send)

    def order(self, ready: Sequence[Delivery]) -> Sequence[Delivery]:
        if self._alone:
            for one in ready:
                if one.kind in ("cancel", "signal", "update"):
                    return [one]
        for run_id in dict.fromkeys(one.run_id for one in ready):
            several = [one for one in ready if one.run_id == run_id]
            if len(several) == 1:
                continue
            self._orders += 1
            found = self._choose((several[0].workflow_id, "", self._orders, 0), ORDERS)
            if found is not None and found.kind == "deliveries one by one":
                ready = [one for one in ready if one not in several[1:]]
            elif found is not None:
                turned = several[::-1]
                ready = [turned.pop(0) if one in several else one for one in ready]
        return ready

    def task_starts(self, task: Task) -> TaskStart:
        self._alone = self._queueing = False
        if self.cut is not None and len(self.met) == len(self._faults):
            self.cut()
        if self.quiet is not None and not self._under_way:
            self.quiet()
        self.journal.append(task)
        place = self._task_place(task)
        send = self._arriving(place, "arrives with the task")
        dies = self._choose(place, _DIES) is not None if self._kill else False
        evict = self._forgets or task.run_id in self._evict
        self._evict.discard(task.run_id)
        return TaskStart(evict=evict, dies=dies, send=send) if evict or dies or send else _TASK

    def task_ends(self, task: Task) -> TaskEnd:
        send = self._arriving(self._task_place(task), "arrives after the task")
        self._queueing = bool(send)
        return TaskEnd(send) if send else _END

    def unlanded(self) -> set[Fault]:
        """Zombies that found no call to land after."""
        late = {one for one in self._faults if one.kind == "zombie" and one.detail != AT_THE_END}
        return {one for one in late if one.detail not in self._spent}

    def state(self) -> object:
        """What later decisions go by, while a task starts; None where it cannot be told."""
        if self._under_way:
            return None
        wide = [(one, self._failed[one]) for one in self._wide if one not in self._spent]
        landings = sorted(self._landings - self._spent)
        # All faults have happened: only those that go on are looked up by their numbers.
        numbers = self._ordinals if wide or landings else None
        return list(self._arrivals), sorted(self._evict), self._forgets, wide, landings, numbers

    def _arriving(self, place: Place, kind: Kind) -> tuple[Message, ...]:
        """What arrives here. What has arrived once is not offered again."""
        found = [one for one in self._by_place.get(place, ()) if one.kind == kind]
        for fault in found:
            self._meet(fault)
        sent = tuple(self._arrivals.pop(one.detail) for one in found)
        if self._grow:
            for name in self._arrivals:
                self._offer(Fault(*place, kind, name))
        return sent

    def _choose(self, place: Place, kinds: Sequence[Kind]) -> Fault | None:
        """What happens here; if nothing does, all these kinds could have."""
        for one in self._by_place.get(place, ()):
            if one.kind in kinds:
                self._meet(one)
                return one
        if self._grow:
            for kind in kinds:
                self._offer(Fault(*place, kind, AT_THE_END if kind == "zombie" else ""))
        return None

    def _offer(self, fault: Fault) -> None:
        if self._possible is None or self._possible(fault):
            self.offers.append(fault)

    def _meet(self, fault: Fault) -> None:
        if fault not in self.met:
            self.met.add(fault)
            self.journal.append(fault)
            self.offers.clear()
            self.ends.clear()

    def _place(self, attempt: Attempt) -> Place:
        kind, step = attempt.workflow_type, attempt.activity_type
        number = self._ordinal(kind, step, attempt.run_id, attempt.occurrence)
        return kind, step, number, attempt.number

    def _task_place(self, task: Task) -> Place:
        number = self._ordinal(task.workflow_type, "", task.run_id, task.number)
        return task.workflow_type, "", number, 0

    def _ordinal(self, workflow: str, step: str, run_id: str, occurrence: int) -> int:
        known = self._ordinals.setdefault((workflow, step), {})
        return known.setdefault((run_id, occurrence), len(known) + 1)


def _is_over(fault: Fault, place: Place) -> bool:
    """Whether a fault of several attempts of one activity is behind it."""
    same = (fault.workflow, fault.step, fault.occurrence) == place[:3]
    return fault.kind == "fails often" and same and place[3] > OFTEN


def _covers(fault: Fault, place: Place) -> bool:
    """Whether a fault of several attempts goes on here."""
    workflow, step, occurrence, attempt = place
    if (fault.workflow, fault.step) != (workflow, step):
        return False
    if fault.kind == "fails for ever":
        return occurrence >= fault.occurrence
    return occurrence == fault.occurrence and attempt <= OFTEN
