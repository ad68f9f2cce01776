"""Timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.bridge.proto.workflow_commands import CancelTimer, StartTimer

from musterwerk.testing.simulator.clock import Entry, nanoseconds
from musterwerk.testing.simulator.tasks import Command
from musterwerk.testing.simulator.worker import IDENTITY

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run


def start(run: Run, given: StartTimer) -> None:
    run.timers[given.seq] = Timer(run, given)


def cancel(run: Run, given: CancelTimer) -> None:
    run.timers[given.seq].cancel()


class Timer:
    def __init__(self, run: Run, given: StartTimer) -> None:
        self._run = run
        self._given = given
        self._sent: Command = run.command(self._start)
        self._entry: Entry | None = None
        self._started = 0
        self._fired = False

    def cancel(self) -> None:
        if self._fired:
            return
        if self._entry is None:
            self._sent.dropped = True
        else:
            self._run.command(self._cancel)

    def _start(self, completed: int) -> None:
        run, given = self._run, self._given
        self._started = run.record(
            "timer_started",
            timer_id=str(given.seq),
            start_to_fire_timeout=given.start_to_fire_timeout,
            workflow_task_completed_event_id=completed,
        )
        delay = nanoseconds(given.start_to_fire_timeout.ToTimedelta())
        self._entry = run.deliver(delay, "timer", str(given.seq), self._fire)

    def _fire(self) -> None:
        self._fired = True
        timer_id = str(self._given.seq)
        self._run.record("timer_fired", timer_id=timer_id, started_event_id=self._started)
        self._run.job(fire_timer={"seq": self._given.seq})

    def _cancel(self, completed: int) -> None:
        if self._entry is not None:
            self._entry.call_off()
        self._run.record(
            "timer_canceled",
            timer_id=str(self._given.seq),
            started_event_id=self._started,
            workflow_task_completed_event_id=completed,
            identity=IDENTITY,
        )
