"""Schedules: clocks trigger, and it is known before what they will do.

Declared in Python or TOML, compared with the server by `musterwerk schedules plan`, put there by
`apply`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from musterwerk.schedules.client import apply, backfill, destroy, pause, trigger, unpause
    from musterwerk.schedules.current import ScheduledRun, current
    from musterwerk.schedules.model import Calendar, Overlap, Retry, Schedule, When

__all__ = [
    "Calendar",
    "Overlap",
    "Retry",
    "Schedule",
    "ScheduledRun",
    "When",
    "apply",
    "at",
    "backfill",
    "cron",
    "current",
    "destroy",
    "every",
    "on",
    "pause",
    "trigger",
    "unpause",
]


def cron(*expressions: str, tz: str = "UTC", **rules: Any) -> When:
    """Five fields each, or `@daily` and the like. `rules` are the other fields of `When`."""
    return When(cron=expressions, time_zone=tz, **rules)


def every(
    interval: timedelta | str, *, phase: timedelta | str = timedelta(0), **rules: Any
) -> When:
    """Counted from 1970-01-01 UTC, shifted by `phase`."""
    given: dict[str, Any] = {"every": interval, "phase": phase, **rules}
    return When(**given)


def on(*calendars: Calendar, tz: str = "UTC", **rules: Any) -> When:
    """All fields of a calendar have to fit."""
    return When(on=calendars, time_zone=tz, **rules)


def at(*moments: datetime, **rules: Any) -> When:
    """Once each."""
    return When(at=moments, **rules)
