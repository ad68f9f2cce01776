"""What workflows of a schedule ask first: for which due time they run."""

from __future__ import annotations

from temporalio.exceptions import ApplicationError

from musterwerk import schedules


def scheduled() -> schedules.ScheduledRun:
    """Started by hand a workflow has no due time, and the clock is no substitute: it would be
    another one at the next attempt."""
    run = schedules.current()
    if run is None:
        raise ApplicationError(
            "no schedule started it; `musterwerk schedules trigger NAME` does",
            type="NotScheduled",
            non_retryable=True,
        )
    return run
