"""What a ledger has of a schedule, where a test does not care what exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from musterwerk.store.ledger_rows import ScheduleRow

#: A Saturday.
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
_ROW = ScheduleRow(
    name="report",
    set_name="reports",
    workflow="Report",
    task_queue="reporting",
    owner="finance",
    note="",
    time_zone="Europe/Berlin",
    paused=False,
    drifted=False,
    declared=None,
    seen={},
    seen_at=NOON,
    watched_until=NOON,
)


def schedule_row(name: str = "report", **fields: Any) -> ScheduleRow:
    return replace(_ROW, name=name, **fields)
