"""When somebody is told: once when it begins, once when it is well again. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from musterwerk.schedules.ledger.model import BAD
from musterwerk.store.ledger import FireRow, IncidentRow


def incidents(
    judged: Iterable[FireRow],
    open_one: IncidentRow | None,
    *,
    last_good_at: datetime | None,
    paused: bool,
    told_to: tuple[str, ...],
    now: datetime,
) -> list[IncidentRow]:
    """What changes of a schedule's incidents by verdicts that are new, earliest due first.

    A failure is told also where the schedule is paused: it may be what paused it. Of anything else
    nobody is told then.
    """
    changed: dict[str, IncidentRow] = {}
    for fire in sorted(judged, key=lambda one: one.due):
        well = fire.verdict == "ran" and fire.status == "Completed"
        if open_one is not None:
            made_up = fire.status == "Completed" and fire.due == open_one.due
            if made_up or (well and fire.due > open_one.due):
                open_one = _closed(open_one, fire, now)
                changed[open_one.id] = open_one
                open_one = None
        elif fire.verdict in BAD and (fire.verdict == "failed" or not paused):
            open_one = _opened(fire, last_good_at, told_to, now)
            changed[open_one.id] = open_one
        if well:
            last_good_at = fire.due
    return list(changed.values())


def _opened(
    fire: FireRow, last_good_at: datetime | None, told_to: tuple[str, ...], now: datetime
) -> IncidentRow:
    return IncidentRow(
        id=f"{fire.schedule}@{fire.due:%Y-%m-%dT%H:%M:%SZ}:{fire.verdict}",
        schedule=fire.schedule,
        due=fire.due,
        verdict=fire.verdict,
        reason=fire.reason,
        last_good_at=last_good_at,
        opened_at=now,
        told_to=told_to,
    )


def _closed(incident: IncidentRow, fire: FireRow, now: datetime) -> IncidentRow:
    news = {"to_tell": "closed", "attempts": 0, "next_try_at": None}
    return replace(incident, closed_at=now, recovered_due=fire.due, **news)
