"""Verdicts, and what they are given by. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from musterwerk.schedules.model import Overlap
from musterwerk.schedules.native import NativeSpec

#: The workflow that keeps the ledger, and its one activity.
WORKFLOW = "musterwerk.ScheduleMonitor"
WATCH = "musterwerk.watch_schedules"

#: "waiting": it is due, and neither has it a run nor is its grace over.
Verdict = Literal[
    "waiting", "ran", "late", "failed", "skipped", "paused", "before_update", "dropped", "missed"
]
VERDICTS: tuple[Verdict, ...] = (
    "waiting",
    "ran",
    "late",
    "failed",
    "skipped",
    "paused",
    "before_update",
    "dropped",
    "missed",
)
#: Somebody is told of these.
BAD: tuple[Verdict, ...] = ("late", "failed", "dropped", "missed")


@dataclass(frozen=True)
class Run:
    """A chain of runs for one due time: the first one's start, the last one's end and status (as
    Temporal calls it: "Running", "Completed", "Failed", "Canceled", "Terminated", "TimedOut").
    `message` is that of its failure.

    The server starts a run also where no worker is there. Whether one has begun with it is looked
    up only where it matters: then `begun_at` is when, or it is `unbegun`."""

    schedule: str
    due: datetime
    workflow_id: str
    run_id: str
    status: str
    started_at: datetime
    run_started_at: datetime
    ended_at: datetime | None = None
    message: str = ""
    begun_at: datetime | None = None
    unbegun: bool = False

    @property
    def is_running(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True)
class Stand:
    """How a schedule stood: its spec from `since` on, which the server knows exactly. Whether it
    was paused is seen by looking: it became so between the looks at `unsure_from` and `seen_at`.
    `told_at` is when somebody last told the server otherwise; a pause is no such thing."""

    since: datetime
    unsure_from: datetime
    seen_at: datetime
    told_at: datetime
    paused: bool
    spec: NativeSpec
    overlap: Overlap = "skip"
    grace: timedelta = timedelta(minutes=5)
    gone: bool = False

    @property
    def patience(self) -> timedelta:
        """How long after its due time a run may start without being late."""
        return self.grace + self.spec.jitter


@dataclass(frozen=True)
class Counted:
    """What the server counts of a schedule, and tells nothing more of."""

    skipped: int = 0
    missed: int = 0
    dropped: int = 0

    def since(self, before: Counted) -> Counted:
        """Counts begin anew where a schedule was made anew."""
        return Counted(
            max(self.skipped - before.skipped, 0),
            max(self.missed - before.missed, 0),
            max(self.dropped - before.dropped, 0),
        )


@dataclass(frozen=True)
class Evidence:
    """All that is known when a due time is judged. `stands` earliest first, all that counted at
    some time from it on; `runs` are the schedule's that may have been under way then; `counted` is
    what the server has counted lately, and `lost` which due times that may have been; `buffered`
    are due times that it holds until a run has ended; `known_from`: before it Temporal keeps no
    ended runs."""

    stands: Sequence[Stand]
    runs: Sequence[Run]
    counted: Counted = Counted()
    buffered: frozenset[datetime] = frozenset()
    lost: Mapping[datetime, Verdict] = field(default_factory=dict[datetime, Verdict])
    known_from: datetime | None = None


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reason: str = ""
