"""Lists of schedules as the ledger knows them, a page at a time, and what is asked of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, text

from musterwerk.store.ledger_reading import incidents_of
from musterwerk.store.ledger_rows import UNJUDGED, FireRow, IncidentRow, ScheduleRow, WatchRow
from musterwerk.store.schedule_tables import OPEN, coming, fires, incidents, schedules, watch

MAX_LIMIT = 200


@dataclass(frozen=True)
class ScheduleSearch:
    """By name; None and False leave nothing out. `failing` have an open incident, `overdue` are
    due and no run of theirs has begun. `after` is `next` of the page before."""

    name: str | None = None
    owner: str | None = None
    paused: bool | None = None
    failing: bool = False
    overdue: bool = False
    drifted: bool = False
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True)
class ListedSchedule:
    """`verdict` is the last one, of what was due at `due`; `failing_since` is of the incident."""

    row: ScheduleRow
    verdict: str | None
    due: datetime | None
    failing_since: datetime | None
    overdue: bool


@dataclass(frozen=True)
class SchedulePage:
    schedules: tuple[ListedSchedule, ...]
    next: str | None = None


def search_schedules(connection: Connection, search: ScheduleSearch, now: datetime) -> SchedulePage:
    limit = max(1, min(search.limit, MAX_LIMIT))
    query = select(schedules).where(schedules.c.gone_at.is_(None), *_wanted(search, now))
    if search.after is not None:
        query = query.where(schedules.c.name > search.after)
    rows = connection.execute(query.order_by(schedules.c.name).limit(limit + 1)).mappings()
    found = [ScheduleRow(**row) for row in rows]
    shown = found[:limit]
    more = _about(connection, [one.name for one in shown], now)
    listed = tuple(ListedSchedule(one, *more[one.name]) for one in shown)
    return SchedulePage(listed, shown[-1].name if len(found) > limit else None)


def owners(connection: Connection) -> list[str]:
    query = select(schedules.c.owner).where(schedules.c.gone_at.is_(None)).distinct()
    return sorted(one for one in connection.execute(query).scalars() if one)


def find_schedule(connection: Connection, name: str) -> ScheduleRow | None:
    """Also one that has gone."""
    row = connection.execute(select(schedules).where(schedules.c.name == name)).mappings().first()
    return None if row is None else ScheduleRow(**row)


def open_incident(connection: Connection, name: str) -> IncidentRow | None:
    """But for that of its not being judged: the schedule's `flaw` says why."""
    latest = incidents_of(connection, name)
    still = (one for one in latest if one.closed_at is None and one.verdict != UNJUDGED)
    return next(still, None)


def watched(connection: Connection) -> WatchRow | None:
    row = connection.execute(select(watch)).mappings().first()
    if row is None:
        return None
    return WatchRow(**{key: value for key, value in row.items() if key != "id"})


def measured(connection: Connection, name: str, limit: int) -> list[FireRow]:
    """The latest whose run has begun, earliest first."""
    query = select(fires).where(fires.c.schedule == name, fires.c.started_at.is_not(None))
    rows = connection.execute(query.order_by(fires.c.due.desc()).limit(limit)).mappings()
    return [FireRow(**row) for row in rows][::-1]


def upcoming(connection: Connection, name: str, now: datetime, limit: int) -> list[datetime]:
    query = select(coming.c.due).where(coming.c.schedule == name, coming.c.due > now)
    return list(connection.execute(query.order_by(coming.c.due).limit(limit)).scalars())


def _wanted(search: ScheduleSearch, now: datetime) -> Iterator[ColumnElement[bool]]:
    of = schedules.c
    if search.name:
        yield func.lower(of.name).contains(search.name.lower(), autoescape=True)
    if search.owner is not None:
        yield of.owner == search.owner
    if search.paused is not None:
        yield of.paused.is_(search.paused)
    if search.drifted:
        yield of.drifted.is_(True)
    if search.failing:
        mine = incidents.c.schedule == of.name
        yield exists().where(mine, incidents.c.closed_at.is_(None))
    if search.overdue:
        # For each by name: else all that was ever due would be looked through.
        yield exists().where(fires.c.schedule == of.name, _overdue(now))


def _overdue(now: datetime) -> ColumnElement[bool]:
    waits = and_(fires.c.verdict == "late", fires.c.begun_at.is_(None))
    return and_(text(f"({OPEN})"), fires.c.due < now, or_(fires.c.started_at.is_(None), waits))


def _about(
    connection: Connection, names: list[str], now: datetime
) -> dict[str, tuple[str | None, datetime | None, datetime | None, bool]]:
    """Last verdict, its due time, since when it fails, whether it is overdue."""
    own = fires.alias()
    last = (
        select(own.c.due)
        .where(own.c.schedule == schedules.c.name, own.c.verdict != "waiting")
        .order_by(own.c.due.desc())
        .limit(1)
        .correlate(schedules)
        .scalar_subquery()
    )
    query = (
        select(schedules.c.name, fires.c.verdict, fires.c.due)
        .select_from(schedules)
        .join(fires, and_(fires.c.schedule == schedules.c.name, fires.c.due == last))
        .where(schedules.c.name.in_(names))
    )
    verdicts = {row.name: (row.verdict, row.due) for row in connection.execute(query)}
    failing = select(incidents.c.schedule, func.min(incidents.c.due).label("since")).where(
        incidents.c.schedule.in_(names), incidents.c.closed_at.is_(None)
    )
    opened = connection.execute(failing.group_by(incidents.c.schedule))
    since = {row.schedule: row.since for row in opened}
    mine = select(fires.c.schedule).where(fires.c.schedule.in_(names), _overdue(now))
    overdue = set(connection.execute(mine.distinct()).scalars())
    return {
        name: (*verdicts.get(name, (None, None)), since.get(name), name in overdue)
        for name in names
    }
