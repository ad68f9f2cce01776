"""Letting old parts of the schedule ledger go, a little at a time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    not_,
    or_,
    select,
    text,
    tuple_,
    update,
)

from musterwerk.errors import UsageError
from musterwerk.store.ledger_writing import slot_of
from musterwerk.store.schedule_tables import (
    OPEN,
    coming,
    fire_counts,
    fires,
    incident_alerts,
    incidents,
    schedules,
    stands,
)

DAYS = 400
_VARIABLE = "MUSTERWERK_LEDGER_DAYS"
_GOOD = ("ran", "paused", "before_update")


def ledger_days(environ: Mapping[str, str] = os.environ) -> int:
    """How long due times stay in the ledger. Raises `UsageError`."""
    given = environ.get(_VARIABLE, "").strip() or str(DAYS)
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 36_500:
        raise UsageError(f"{_VARIABLE} is {given!r}; a number of days from 1 to 36500 is expected")
    return int(given)


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Deletes what was due before then, earliest first, with what was counted of it; how many.

    What waits or runs stays, and what went wrong since an incident began that is open still.
    """
    of = fires.c
    old = select(of.schedule, of.due).where(of.due < before, not_(_kept()))
    keys = connection.execute(old.order_by(of.due, of.schedule).limit(limit)).all()
    if keys:
        gone = (
            delete(fires)
            .where(tuple_(of.schedule, of.due).in_([(one.schedule, one.due) for one in keys]))
            .returning(of.due, of.owner, of.verdict)
        )
        # What another one has deleted meanwhile is not counted twice.
        rows = connection.execute(gone).all()
        _count_less(connection, Counter((slot_of(o.due), o.owner, o.verdict) for o in rows))
    _prune_beside(connection, before, limit)
    return len(keys)


def _kept() -> ColumnElement[bool]:
    of = fires.c
    in_trouble = exists().where(
        incidents.c.schedule == of.schedule,
        incidents.c.closed_at.is_(None),
        incidents.c.due <= of.due,
    )
    open_still = text(f"({OPEN}) IS TRUE")
    return or_(open_still, and_(of.verdict.not_in(_GOOD), in_trouble))


def _count_less(connection: Connection, fewer: Counter[tuple[datetime, str, str]]) -> None:
    of = fire_counts.c
    for (slot, owner, verdict), number in sorted(fewer.items()):
        mine = of.slot == slot, of.owner == owner, of.verdict == verdict
        left = {"count": fire_counts.c["count"] - number}
        connection.execute(update(fire_counts).where(*mine).values(left))
        connection.execute(delete(fire_counts).where(*mine, fire_counts.c["count"] <= 0))


def _prune_beside(connection: Connection, before: datetime, limit: int) -> None:
    """Incidents that are over, how schedules stood before that, and schedules that have gone."""
    over = select(incidents.c.id).where(incidents.c.closed_at < before).limit(limit)
    ids = list(connection.execute(over).scalars())
    connection.execute(delete(incident_alerts).where(incident_alerts.c.incident.in_(ids)))
    connection.execute(delete(incidents).where(incidents.c.id.in_(ids)))
    later = stands.alias()
    followed = exists().where(
        later.c.schedule == stands.c.schedule,
        later.c.since > stands.c.since,
        later.c.since <= before,
    )
    connection.execute(delete(stands).where(stands.c.since < before, followed))
    left = exists().where(fires.c.schedule == schedules.c.name)
    gone = select(schedules.c.name).where(schedules.c.gone_at < before, not_(left)).limit(limit)
    names = list(connection.execute(gone).scalars())
    for table in (stands, coming):
        connection.execute(delete(table).where(table.c.schedule.in_(names)))
    connection.execute(delete(schedules).where(schedules.c.name.in_(names)))
