"""How fast the ledger is written."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from musterwerk.store import Store, database_url
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow, ScheduleRow

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
#: As the monitor writes them: schedules in a transaction, new fires of each.
_AT_ONCE, _EACH = 100, 10


def schedule(number: int) -> ScheduleRow:
    return ScheduleRow(
        name=f"bench-{number:04}",
        set_name="bench",
        workflow="Nothing",
        task_queue="bench",
        owner=f"owner-{number % 10}",
        note="",
        time_zone="Europe/Berlin",
        paused=number % 50 == 0,
        drifted=False,
        declared=None,
        seen={},
        seen_at=BEGAN,
        watched_until=BEGAN,
    )


def fire(number: int, at: int, step: timedelta) -> FireRow:
    """One in a hundred was missed."""
    row, due = schedule(number), BEGAN + at * step + timedelta(seconds=number % 60)
    if (at + number) % 100 == 0:
        return FireRow(row.name, due, "missed", row.owner, reason="there is no run")
    began = due + timedelta(milliseconds=50 + number % 100)
    ended = began + timedelta(seconds=1 + at % 7)
    return FireRow(
        row.name,
        due,
        "ran",
        row.owner,
        workflow_id=f"{row.name}-{due:%Y-%m-%dT%H:%M:%SZ}",
        run_id=f"run-{at}",
        status="Completed",
        started_at=began,
        run_started_at=began,
        ended_at=ended,
    )


def measure(rounds: int) -> dict[str, Any]:
    """Through the monitor's own writing, with counts and lateness kept."""
    step = timedelta(minutes=5)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(database_url(Path(folder), {}))
        table = LedgerTable(store)
        store.prepare()
        begun = time.perf_counter()
        for one in range(rounds):
            entries = [
                Entry(
                    schedule(number),
                    fires=tuple(fire(number, one * _EACH + at, step) for at in range(_EACH)),
                )
                for number in range(_AT_ONCE)
            ]
            table.write(entries)
        seconds = time.perf_counter() - begun
        store.close()
    rows = rounds * _AT_ONCE * _EACH
    return {"rows": rows, "per_s": round(rows / seconds)}
