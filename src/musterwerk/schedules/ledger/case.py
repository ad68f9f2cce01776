"""One schedule in one look: what is new of it, judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from musterwerk.schedules.ledger.incidents import Circumstances, Skips, incidents
from musterwerk.schedules.ledger.model import Evidence, Judgement, Run, Verdict
from musterwerk.schedules.ledger.reading import joined
from musterwerk.schedules.ledger.unjudged import judged_again
from musterwerk.schedules.ledger.verdicts import has_to_have_begun, judge, stand_at
from musterwerk.schedules.server_rules import fires as fires_of
from musterwerk.store.ledger_rows import Entry, FireRow, IncidentRow, ScheduleRow, StandRow

#: Worth asking once more, directly: Temporal's list may not have it yet.
_DOUBTED = ("failed", "late", "missed", "dropped", "skipped", "before_update")


@dataclass
class Case:
    """`dues` are new, `rows` are those that may change, `runs` are news of runs; by due time.
    `was` is how the ledger had the schedule before; `held` is how many runs the server buffers;
    `unjudged` is the incident of its not being judged until now."""

    row: ScheduleRow
    was: ScheduleRow | None
    new_stands: tuple[StandRow, ...]
    dues: list[datetime]
    rows: dict[datetime, FireRow]
    runs: dict[datetime, Run]
    evidence: Evidence
    incident: IncidentRow | None
    unjudged: IncidentRow | None
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

    def to_have_begun(self) -> Iterator[Run]:
        """Runs of which is to be looked up whether a worker has begun with them: each once, and
        once more when it has ended."""
        for due, run in self._runs():
            row = self.rows.get(due)
            if row is not None and row.ended_at is not None:
                continue
            if has_to_have_begun(run, stand_at(due, self.evidence), self.now):
                yield run

    def add(self, run: Run) -> None:
        self.runs[run.due] = joined(self.runs.get(run.due), run)
        self.evidence = replace(self.evidence, runs=[*self.evidence.runs, self.runs[run.due]])

    def entry(self) -> Entry | None:
        """None where there is nothing new."""
        judged = list(self._judged())
        changed = [fire for fire in judged if fire != self.rows.get(fire.due)]
        good = [one.due for one in changed if (one.verdict, one.status) == ("ran", "Completed")]
        before = self.row.last_good_at
        row = replace(
            self.row, last_good_at=max([*good, *([before] if before else [])], default=None)
        )
        known = Circumstances(
            now=self.now,
            paused=row.paused,
            grace=self.evidence.stands[-1].grace,
            last_good_at=before,
            told_to=self.told_to,
            skips=_read_skips(row.seen.get("skips")),
            still_bad=self.incident is not None and any(_goes_on_badly(self.incident, judged)),
        )
        # Of one that has been deleted is told what was known of it then, and nothing later.
        over = self.was is not None and self.was.gone_at is not None
        news = [fire for fire in changed if not over and self._is_news(fire)]
        opened, skips = incidents(news, self.incident, known)
        if skips != known.skips:
            row = replace(row, seen=row.seen | {"skips": _skips_as_json(skips)})
        if row.gone_at:
            # It is not going to be well again. What has been told of it stays told.
            opened = [one if one.closed_at else self._over(one) for one in opened]
            if self.incident and self.incident.id not in {one.id for one in opened}:
                opened.append(self._over(self.incident))
        if self.unjudged:
            gone = row.gone_at is not None
            opened.append(judged_again(self.unjudged, gone=gone, now=self.now))
        if row == self.was and not (changed or self.new_stands or opened or self.coming):
            return None
        return Entry(row, self.new_stands, tuple(changed), tuple(opened), self.coming)

    def _is_news(self, fire: FireRow) -> bool:
        """What was missed and told long ago is no news when it is made up for by a backfill; nor is
        what was due before the ledger began."""
        row = self.rows.get(fire.due)
        if row is None:
            return fire.due in self.dues or not fire.planned
        if self.incident is not None and fire.due == self.incident.due:
            return True  # what was told of it may be over by that
        return (
            row.verdict in ("waiting", "late") or row.status == "Running" or fire.verdict == "ran"
        )

    def _buffered(self) -> frozenset[datetime]:
        """The server buffers the first after the last that has begun."""
        begun = {*self.runs, *(due for due, row in self.rows.items() if row.run_id)}
        begun |= {run.due for run in self.evidence.runs}
        last = max(begun, default=None)
        left = {*self.dues, *self.rows} - begun
        return frozenset(sorted(due for due in left if last is None or due > last)[: self.held])

    def _lost(self, but: frozenset[datetime]) -> dict[datetime, Verdict]:
        """The server counts at once what it loses, and tells no more: after an outage the first
        ones come too late, and of too many that wait the last ones are dropped."""
        left = [due for due in sorted({*self.dues, *self.rows}) if self._has_no_run(due)]
        left = [due for due in left if due not in but]
        counted, found = self.evidence.counted, dict[datetime, Verdict]()
        for due in left[: counted.missed]:
            found[due] = "missed"
        for due in left[len(left) - counted.dropped :] if counted.dropped else ():
            found[due] = "dropped"
        return found

    def _has_no_run(self, due: datetime) -> bool:
        row = self.rows.get(due)
        return due not in self.runs and (row is None or row.run_id is None)

    def _over(self, incident: IncidentRow) -> IncidentRow:
        return replace(incident, closed_at=self.now)

    def _judged(self) -> Iterator[FireRow]:
        buffered = self._buffered()
        known = replace(self.evidence, buffered=buffered, lost=self._lost(buffered))
        runs = dict(self._runs())
        for due in sorted({*self.dues, *self.rows, *self.runs}):
            row, run = self.rows.get(due), runs.get(due)
            found = judge(due, run, known, self.now)
            base = row or FireRow(self.name, due, "waiting", planned=self._is_planned(due))
            yield replace(
                base,
                owner=self.row.owner,
                verdict=found.verdict,
                reason=_reason(base, found, run),
                **(fields_of(run) if run else {}),
            )

    def _runs(self) -> Iterator[tuple[datetime, Run]]:
        """What is new of each beside what is known."""
        for due in {*self.rows, *self.runs}:
            row, run = self.rows.get(due), self.runs.get(due)
            if row is not None and (before := run_of(row)) is not None:
                run = before if run is None else joined(before, run)
            if run is not None:
                yield due, run

    def _is_planned(self, due: datetime) -> bool:
        stand = stand_at(due, self.evidence)
        return due in self.dues or due in fires_of(stand.spec, due - timedelta(seconds=1), due)


def _reason(row: FireRow, found: Judgement, run: Run | None) -> str:
    """What was said of a failed run is asked once, and kept."""
    same = row.verdict == found.verdict == "failed" and run and row.run_id == run.run_id
    if same and row.reason:
        return row.reason
    return found.reason if row.planned else found.reason or "started by hand"


def _read_skips(kept: dict[str, Any] | None) -> Skips | None:
    if kept is None:
        return None
    first, last = map(datetime.fromisoformat, (kept["first"], kept["last"]))
    return Skips(kept["count"], first, last)


def _skips_as_json(skips: Skips | None) -> dict[str, Any] | None:
    if skips is None:
        return None
    first, last = skips.first.isoformat(), skips.last.isoformat()
    return {"count": skips.count, "first": first, "last": last}


def fields_of(run: Run) -> dict[str, Any]:
    """As a row keeps them."""
    return {
        "workflow_id": run.workflow_id,
        "run_id": run.run_id,
        "status": run.status,
        "started_at": run.started_at,
        "run_started_at": run.run_started_at,
        "ended_at": run.ended_at,
        "begun_at": run.begun_at,
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
        begun_at=row.begun_at,
        unbegun=row.waits_for_worker,
    )


def _goes_on_badly(incident: IncidentRow, judged: Iterable[FireRow]) -> Iterator[bool]:
    """Of what was due later: it is late, and has not ended yet."""
    for fire in judged:
        yield fire.due > incident.due and fire.verdict == "late" and fire.ended_at is None
