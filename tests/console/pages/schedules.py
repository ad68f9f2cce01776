"""Schedules on a server, and what a ledger has of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow, IncidentRow, ScheduleRow, WatchRow
from tests.console.office import Office
from tests.ledgers import NOON, schedule_row

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ROW = schedule_row(
    declared={
        "name": "report",
        "workflow": "Report",
        "task_queue": "reporting",
        "when": {"cron": ["0 6 * * *"], "time_zone": "Europe/Berlin"},
        "args": ["secret-argument"],
        "owner": "finance",
        "alert": ["finance@example.com"],
    },
    next_at=NOON + DAY,
)


def row(name: str, **fields: Any) -> ScheduleRow:
    declared = {**(ROW.declared or {}), "name": name}
    return replace(ROW, **{"name": name, "declared": declared, **fields})


def fire(name: str, due: datetime, verdict: str = "ran", **fields: Any) -> FireRow:
    """With a run of half a minute, that began two seconds late, where there is one."""
    began = due + timedelta(seconds=2)
    run: dict[str, Any] = {}
    if verdict in ("ran", "late", "failed"):
        run = {
            "workflow_id": f"{name}-{due:%H%M}",
            "run_id": "r-1",
            "status": "Failed" if verdict == "failed" else "Completed",
            "started_at": began,
            "run_started_at": began,
            "ended_at": began + timedelta(seconds=30),
        }
    given: dict[str, Any] = {"owner": "finance", **run, **fields}
    return FireRow(name, due, verdict, **given)


def incident(name: str, due: datetime) -> IncidentRow:
    return IncidentRow(f"{name}@1", name, due, "missed", "there is no run", None, due)


class Ledger:
    """Filled as the monitor fills it, which looked a moment ago."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.table = LedgerTable(office.services.store)
        self.looked(office.services.now())

    def looked(self, at: datetime, error: str = "") -> None:
        self.table.note_watch(WatchRow("default", at, at, 1, 5, error))

    def has(
        self,
        of: ScheduleRow,
        *fires: FireRow,
        incidents: tuple[IncidentRow, ...] = (),
        coming: tuple[datetime, ...] = (),
    ) -> None:
        self.table.write([Entry(of, fires=fires, incidents=incidents, coming=coming)])
