"""Lets a given set of faults happen in one run, and notes which others could have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from musterwerk.testing.explorer.fault_set import FaultSet, Possible
from musterwerk.testing.explorer.faults import (
    AFTER,
    BEFORE,
    ORDERS,
    WIDE,
    Fault,
    Kind,
    report_of,
    start_of,
)
from musterwerk.testing.explorer.lasting import Lasting
from musterwerk.testing.explorer.places import Place, Places
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


class Deciding:
    """Decisions for one run.

    `quiet` is called where nothing runs, `cut` before a task once all faults have happened.
    `zombies` are the attempts whose effects come late, `lonely` those that succeeded while nothing
    else was under way, which `alone` tells.
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
        self.alone: Callable[[], bool] | None = None
        self.lonely: dict[Place, Attempt] = {}
        self.zombies: set[Attempt] = set()
        self.faults = FaultSet(faults, arrivals, possible=possible, grow=grow)
        self._lasting = Lasting(faults)
        self._places = Places()
        self._kill = kill
        self._hurry = hurry
        self._evict: set[str] = set()
        self._under_way: set[Attempt] = set()
        self._orders = 0
        self._alone = self._queueing = False
        self._forgets = _FORGETS in faults
        if self._forgets:
            self.faults.meet(_FORGETS)
        elif kill and grow and not faults:
            self.faults.offer(_FORGETS)

    def attempt_starts(self, attempt: Attempt) -> Start:
        place = self._places.of_attempt(attempt)
        send = self.faults.arriving(place, "arrives during the activity")
        self._alone = self._alone or bool(send)
        start = self._outcome(place, attempt)
        if start.run and not start.held:
            self._under_way.add(attempt)
        queued = max(start.queued, _A_MOMENT) if self._queueing else start.queued
        return replace(start, send=send, queued=queued) if send or queued else start

    def _outcome(self, place: Place, attempt: Attempt) -> Start:
        lasting = self._lasting.at(place)
        if lasting is not None:
            self.faults.meet(lasting)
            return self._lasting.start(lasting, attempt, hurry=self._hurry)
        kinds = (*BEFORE, *WIDE) if attempt.number == 1 else BEFORE
        found = self.faults.choose(place, kinds)
        if found is None:
            return _START
        if found.kind == "zombie":
            self.zombies.add(attempt)
        return start_of(found, hurry=self._hurry)

    def attempt_ends(self, attempt: Attempt, failed: bool) -> Report:
        called = attempt in self._under_way
        self._under_way.discard(attempt)
        self.faults.journal.append(attempt)
        if attempt in self.zombies:
            return _REPORT
        place = self._places.of_attempt(attempt)
        if not failed and not attempt.local and self.alone is not None and self.alone():
            self.lonely[place] = attempt
        send = self.faults.arriving(place, "arrives before the reply")
        release = self.faults.landings.after(place, attempt)
        kinds: Sequence[Kind] = AFTER
        if failed:  # by itself: its answer can be lost as well
            kinds = ("timeout with effect",) if called else ()
        if kinds and self._kill and not attempt.local:
            kinds = (*kinds, "worker killed in the activity")
        found = self.faults.choose(place, kinds)
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
            found = self.faults.choose((several[0].workflow_id, "", self._orders, 0), ORDERS)
            if found is not None and found.kind == "deliveries one by one":
                ready = [one for one in ready if one not in several[1:]]
            elif found is not None:
                turned = several[::-1]
                ready = [turned.pop(0) if one in several else one for one in ready]
        return ready

    def task_starts(self, task: Task) -> TaskStart:
        self._alone = self._queueing = False
        if self.cut is not None and self.faults.all_met:
            self.cut()
        if self.quiet is not None and not self._under_way:
            self.quiet()
        self.faults.journal.append(task)
        place = self._places.of_task(task)
        send = self.faults.arriving(place, "arrives with the task")
        dies = self.faults.choose(place, _DIES) is not None if self._kill else False
        evict = self._forgets or task.run_id in self._evict
        self._evict.discard(task.run_id)
        return TaskStart(evict=evict, dies=dies, send=send) if evict or dies or send else _TASK

    def task_ends(self, task: Task) -> TaskEnd:
        send = self.faults.arriving(self._places.of_task(task), "arrives after the task")
        self._queueing = bool(send)
        return TaskEnd(send) if send else _END

    def state(self) -> object:
        """What later decisions go by, while a task starts; None where it cannot be told."""
        if self._under_way:
            return None
        lasting, landings = self._lasting.state(), self.faults.landings.to_come()
        # All faults have happened: only those that go on are looked up by their numbers.
        numbers = self._places.numbers if lasting or landings else None
        return (
            list(self.faults.arrivals),
            sorted(self._evict),
            self._forgets,
            lasting,
            landings,
            numbers,
        )
