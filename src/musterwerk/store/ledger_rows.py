"""What the schedule ledger has rows of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: In place of a verdict, of an incident: the schedule cannot be judged.
UNJUDGED = "unjudged"


@dataclass(frozen=True)
class ScheduleRow:
    """`seen` is the monitor's own; `gone_at` is when it was found deleted; `flaw` is why it cannot
    be judged."""

    name: str
    set_name: str
    workflow: str
    task_queue: str
    owner: str
    note: str
    time_zone: str
    paused: bool
    drifted: bool
    declared: dict[str, Any] | None
    seen: dict[str, Any]
    seen_at: datetime
    watched_until: datetime
    next_at: datetime | None = None
    last_good_at: datetime | None = None
    gone_at: datetime | None = None
    flaw: str = ""


@dataclass(frozen=True)
class StandRow:
    """How a schedule stood from `since` on; seen at `seen_at`, and until the next one."""

    schedule: str
    since: datetime
    seen_at: datetime
    stand: dict[str, Any]


@dataclass(frozen=True)
class FireRow:
    """One due time, or with `planned` false one run that somebody started by hand.

    `started_at` is of the first run, `run_id`, `run_started_at`, `status` and `ended_at` are of
    the last one of its retries. The server starts it; `begun_at` is when a worker had begun with
    it, where that was looked for.
    """

    schedule: str
    due: datetime
    verdict: str
    owner: str = ""
    planned: bool = True
    reason: str = ""
    workflow_id: str | None = None
    run_id: str | None = None
    status: str | None = None
    started_at: datetime | None = None
    run_started_at: datetime | None = None
    ended_at: datetime | None = None
    begun_at: datetime | None = None

    @property
    def waits_for_worker(self) -> bool:
        """It was looked for when its grace was over."""
        return self.verdict == "late" and self.status == "Running" and self.begun_at is None

    @property
    def began_at(self) -> datetime | None:
        """As far as it is known; None where none has begun."""
        if self.waits_for_worker or self.verdict == "missed":
            return None
        return self.begun_at or self.started_at

    @property
    def took(self) -> timedelta | None:
        begun = self.began_at
        return self.ended_at - begun if self.ended_at and begun else None

    @property
    def lateness(self) -> timedelta | None:
        """None also of what was started by hand."""
        if self.began_at is None or not self.planned:
            return None
        return max(self.began_at - self.due, timedelta(0))


@dataclass(frozen=True)
class IncidentRow:
    """From the first due time that was not well to the next one that was. `to_tell` is "open",
    "closed" or empty."""

    id: str
    schedule: str
    due: datetime
    verdict: str
    reason: str
    last_good_at: datetime | None
    opened_at: datetime
    told_to: tuple[str, ...] = ()
    closed_at: datetime | None = None
    recovered_due: datetime | None = None
    to_tell: str = "open"
    attempts: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True)
class WatchRow:
    """How the monitor is. `good_until` is up to when it has looked at everything."""

    namespace: str
    began_at: datetime
    good_until: datetime | None
    schedules: int = 0
    took_ms: int = 0
    error: str = ""


@dataclass(frozen=True)
class Entry:
    """All that is new of one schedule. `coming` replaces what was known of times ahead."""

    schedule: ScheduleRow
    stands: tuple[StandRow, ...] = ()
    fires: tuple[FireRow, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()
    coming: tuple[datetime, ...] | None = None


def read_incident(row: Mapping[Any, Any]) -> IncidentRow:
    fields: dict[str, Any] = {**row, "told_to": tuple(row["told_to"])}
    return IncidentRow(**fields)
