"""How long an activity may take, and the clocks that watch over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from temporalio.api.enums.v1 import TimeoutType
from temporalio.bridge.proto.workflow_commands import ScheduleActivity

from musterwerk.testing.simulator.clock import Entry, span

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

IN_ALL = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE
QUEUED = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START
RUNNING = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
SILENT = TimeoutType.TIMEOUT_TYPE_HEARTBEAT


class Limits(NamedTuple):
    """The timeouts in nanoseconds, with what the server fills in; 0 where there is none."""

    schedule_to_close: int
    schedule_to_start: int
    start_to_close: int
    heartbeat: int

    @classmethod
    def of(cls, given: ScheduleActivity) -> Limits:
        # Most activities have one timeout; to look whether there are others is cheap.
        has = given.HasField
        whole = has("schedule_to_close_timeout") and span(given.schedule_to_close_timeout)
        start = has("schedule_to_start_timeout") and span(given.schedule_to_start_timeout)
        one = has("start_to_close_timeout") and span(given.start_to_close_timeout)
        beat = has("heartbeat_timeout") and span(given.heartbeat_timeout)
        start, one = start or whole, one or whole
        if whole:
            start, one = min(start, whole), min(one, whole)
        return cls(whole, start, one, min(beat, one))


class Clocks:
    """One of each name at most is running, by the time of one run."""

    def __init__(self, run: Run) -> None:
        self.running: dict[str, Entry] = {}
        self._run = run

    def start(self, name: str, delay: int, act: Callable[[], None]) -> None:
        """From now on, whether or not it was running."""
        self.stop(name)
        self.running[name] = self._run.later(delay, act)

    def stop(self, *names: str) -> None:
        for name in names:
            entry = self.running.pop(name, None)
            if entry is not None:
                entry.call_off()

    def stop_all(self) -> None:
        for entry in self.running.values():
            entry.call_off()
        self.running.clear()
