"""When a run begins: its first task, and the clocks that end it."""

from __future__ import annotations

from musterwerk.testing.simulator import endings
from musterwerk.testing.simulator.run import Run


def begin(run: Run) -> None:
    """Let it have its first task, after the pause it was given, and its clocks run."""
    if run.beginning:
        return
    run.beginning = True
    limits = [run.deadline - run.now] if run.deadline else []
    if run.birth.run_timeout:
        limits.append(run.birth.run_timeout)
    if limits:
        run.later(max(0, min(limits)), lambda: endings.time_out(run))
    run.later(run.birth.delay, lambda: _first_task(run))


def _first_task(run: Run) -> None:
    run.begun = True
    run.simulation.wake(run)
