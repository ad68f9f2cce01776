"""One schedule in one look: what is new of it, judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from musterwerk.schedules.ledger.incidents import incidents
from musterwerk.schedules.ledger.model import Evidence, Run
from musterwerk.schedules.ledger.reading import joined
from musterwerk.schedules.ledger.verdicts import judge, stand_at
from musterwerk.schedules.server_rules import fires as fires_of
from musterwerk.store.ledger import Entry, FireRow, IncidentRow, ScheduleRow, StandRow

#: Worth asking once more, directly: Temporal's list may not have it yet.
_DOUBTED = ("failed", "late", "missed", "dropped", "skipped", "before_update")


@dataclass
class Case:
    """`dues` are new, `rows` are those that may change, `runs` are news of runs; by due time.
    `was` is how the ledger had the schedule before; `held` is how many runs the server buffers."""

    row: ScheduleRow
    was: ScheduleRow | None
    new_stands: tuple[StandRow, ...]
    dues: list[datetime]
    rows: dict[datetime, FireRow]
    runs: dict[datetime, Run]
    evidence: Evidence
    incident: IncidentRow | None
    told_to: tuple[str, ...]
    now: datetime
    held: int
    coming: tuple[datetime, ...] | None

    @property
    def name(self) -> str:
        return self.row.name

    def doubts(self) -> Iterator[tuple[str, datetime, str]]:
        """What to look up before somebody is told: schedule, due time, workflow id."""
        for fire in self._judged():
            if fire.verdict in _DOUBTED and fire != self.rows.get(fire.due):
                text = f"{fire.due:%Y-%m-%dT%H:%M:%SZ}"
                yield self.name, fire.due, fire.workflow_id or f"{self.row.seen['base_id']}-{text}"

    def add(self, run: Run) -> None:
        self.runs[run.due] = joined(self.runs.get(run.due), run)

    def entry(self) -> Entry | None:
        """None where there is nothing new."""
        changed = [fire for fire in self._judged() if fire != self.rows.get(fire.due)]
        good = [one.due for one in changed if (one.verdict, one.status) == ("ran", "Completed")]
        before = self.row.last_good_at
        row = replace(
            self.row, last_good_at=max([*good, *([before] if before else [])], default=None)
        )
        opened = incidents(
            changed,
            self.incident,
            last_good_at=before,
            paused=row.paused,
            told_to=self.told_to,
            now=self.now,
        )
        if row.gone_at and self.incident:
            # Of what is not there any more nobody has to be told.
            opened.append(replace(self.incident, closed_at=self.now, to_tell=""))
        if row == self.was and not (changed or self.new_stands or opened or self.coming):
            return None
        return Entry(row, self.new_stands, tuple(changed), tuple(opened), self.coming)

    def _buffered(self) -> frozenset[datetime]:
        """The server buffers the first after the last that has begun."""
        begun = {*self.runs, *(due for due, row in self.rows.items() if row.run_id)}
        begun |= {run.due for run in self.evidence.runs}
        last = max(begun, default=None)
        left = {*self.dues, *self.rows} - begun
        return frozenset(sorted(due for due in left if last is None or due > last)[: self.held])

    def _judged(self) -> Iterator[FireRow]:
        known = replace(self.evidence, buffered=self._buffered())
        for due in sorted({*self.dues, *self.rows, *self.runs}):
            row, run = self.rows.get(due), self.runs.get(due)
            if row is not None and (before := run_of(row)) is not None:
                run = before if run is None else joined(before, run)
            found = judge(due, run, known, self.now)
            base = row or FireRow(self.name, due, "waiting", planned=self._is_planned(due))
            yield replace(
                base,
                owner=self.row.owner,
                verdict=found.verdict,
                reason=found.reason if base.planned else found.reason or "started by hand",
                **(fields_of(run) if run else {}),
            )

    def _is_planned(self, due: datetime) -> bool:
        stand = stand_at(due, self.evidence)
        return due in self.dues or due in fires_of(stand.spec, due - timedelta(seconds=1), due)


def fields_of(run: Run) -> dict[str, Any]:
    """As a row keeps them."""
    return {
        "workflow_id": run.workflow_id,
        "run_id": run.run_id,
        "status": run.status,
        "started_at": run.started_at,
        "run_started_at": run.run_started_at,
        "ended_at": run.ended_at,
    }


def run_of(row: FireRow) -> Run | None:
    """None where there is no run yet."""
    if row.run_id is None or row.started_at is None or row.run_started_at is None:
        return None
    return Run(
        schedule=row.schedule,
        due=row.due,
        workflow_id=row.workflow_id or "",
        run_id=row.run_id,
        status=row.status or "",
        started_at=row.started_at,
        run_started_at=row.run_started_at,
        ended_at=row.ended_at,
    )
