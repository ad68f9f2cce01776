"""A schedule that cannot be judged, for want of its time zone for one: the ledger says so, and the
operators are told once. Pure."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime

from musterwerk.schedules.ledger import standing
from musterwerk.schedules.server import Described
from musterwerk.store.ledger_rows import UNJUDGED, Entry, IncidentRow, ScheduleRow


def left_out(
    found: Described | None,
    known: ScheduleRow | None,
    incidents: list[IncidentRow],
    flaw: str,
    now: datetime,
) -> Entry | None:
    """None where nothing is new of it. What is due meanwhile is judged when it can be again; of one
    that has gone nothing is. `incidents` are its open ones."""
    if found is None:
        return _gone(known, incidents, now)
    if known is not None and known.flaw == flaw:
        return None
    row = replace(known or _unseen(found, now), flaw=flaw, seen_at=now)
    # Told in other words, it is the same flaw.
    new = known is None or not known.flaw
    return Entry(row, incidents=(_opened(found.name, flaw, now),) if new else ())


def judged_again(incident: IncidentRow, *, gone: bool, now: datetime) -> IncidentRow:
    """What is deleted is not told of."""
    if gone:
        return replace(incident, closed_at=now)
    return replace(incident, closed_at=now, to_tell="closed", attempts=0, next_try_at=None)


def _gone(known: ScheduleRow | None, incidents: list[IncidentRow], now: datetime) -> Entry | None:
    if known is None or known.gone_at is not None:
        return None
    row = replace(known, gone_at=now, next_at=None, seen_at=now)
    over = tuple(replace(one, closed_at=now) for one in incidents)
    return Entry(row, incidents=over, coming=())


def _unseen(found: Described, now: datetime) -> ScheduleRow:
    """Of one that could never be judged so far."""
    action, declared = (
        found.proto.action.start_workflow,
        found.mark.declared if found.mark else None,
    )
    return ScheduleRow(
        name=found.name,
        set_name=found.mark.set_name if found.mark else "",
        workflow=action.workflow_type.name,
        task_queue=action.task_queue.name,
        owner=declared.owner if declared else "",
        note=found.proto.state.notes,
        time_zone=found.proto.spec.timezone_name or "UTC",
        paused=found.proto.state.paused,
        drifted=found.mark is None,
        declared=declared.as_json() if declared else None,
        seen={
            "token": "",
            "base_id": action.workflow_id,
            "counted": asdict(standing.counted(found)),
            "ahead": None,
            "skips": None,
        },
        seen_at=now,
        watched_until=now,
    )


def _opened(name: str, flaw: str, now: datetime) -> IncidentRow:
    return IncidentRow(
        id=f"{name}@{now:%Y-%m-%dT%H:%M:%SZ}:{UNJUDGED}",
        schedule=name,
        due=now,
        verdict=UNJUDGED,
        reason=flaw,
        last_good_at=None,
        opened_at=now,
    )
