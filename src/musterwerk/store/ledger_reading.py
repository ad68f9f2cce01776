"""Reading the schedule ledger: what became of due times, and how well a schedule has done."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from sqlalchemy import ColumnElement, Connection, func, or_, select, tuple_

from musterwerk.errors import UsageError
from musterwerk.store.ledger_rows import FireRow, IncidentRow, read_incident
from musterwerk.store.schedule_tables import fires, incidents, schedules

MAX_LIMIT = 10_000
#: Durations and lateness are those of so many at most, the latest.
_MEASURED = 1_000


@dataclass(frozen=True)
class FireSearch:
    """Latest due first. Empty fields leave nothing out; `after` is `next` of the page before."""

    schedules: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    owner: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True)
class FirePage:
    fires: tuple[FireRow, ...]
    next: str | None = None


@dataclass(frozen=True)
class Summary:
    """Of one schedule in a span. `success_rate` is of those that were to run: ran, late and failed
    ones, dropped and missed; None where there were none. What is late and has not begun yet is no
    success. Seconds; None where nothing was measured.
    """

    schedule: str
    verdicts: dict[str, int]
    success_rate: float | None
    late_median_s: float | None
    late_max_s: float | None
    took_median_s: float | None
    took_max_s: float | None


def search_fires(connection: Connection, search: FireSearch) -> FirePage:
    """Raises `UsageError` where `after` is none of ours."""
    limit = max(1, min(search.limit, MAX_LIMIT))
    query = select(fires).where(*_wanted(search))
    if search.after is not None:
        query = query.where(tuple_(fires.c.due, fires.c.schedule) < _read_key(search.after))
    ordered = query.order_by(fires.c.due.desc(), fires.c.schedule.desc()).limit(limit + 1)
    rows = [FireRow(**row) for row in connection.execute(ordered).mappings()]
    more = len(rows) > limit
    return FirePage(tuple(rows[:limit]), _key(rows[limit - 1]) if more else None)


def summaries(connection: Connection, search: FireSearch) -> list[Summary]:
    """By name. Runs that somebody started by hand do not count."""
    counted = (
        select(fires.c.schedule, fires.c.verdict, func.count().label("number"))
        .where(fires.c.planned, *_wanted(search))
        .group_by(fires.c.schedule, fires.c.verdict)
    )
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(counted):
        found.setdefault(row.schedule, {})[row.verdict] = row.number
    return [_summary(connection, search, name, found[name]) for name in sorted(found)]


def schedule_names(connection: Connection) -> list[str]:
    """Also of those that have gone."""
    return list(connection.execute(select(schedules.c.name).order_by(schedules.c.name)).scalars())


def flaws(connection: Connection, names: Collection[str] = ()) -> dict[str, str]:
    """Why schedules cannot be judged; of all, where none are named."""
    query = select(schedules.c.name, schedules.c.flaw).where(
        schedules.c.flaw != "", schedules.c.gone_at.is_(None)
    )
    if names:
        query = query.where(schedules.c.name.in_(names))
    return {row.name: row.flaw for row in connection.execute(query.order_by(schedules.c.name))}


def incidents_of(connection: Connection, schedule: str, limit: int = 20) -> list[IncidentRow]:
    """Latest first."""
    query = select(incidents).where(incidents.c.schedule == schedule)
    rows = connection.execute(query.order_by(incidents.c.opened_at.desc()).limit(limit)).mappings()
    return [read_incident(row) for row in rows]


def _summary(
    connection: Connection, search: FireSearch, name: str, verdicts: dict[str, int]
) -> Summary:
    mine = fires.c.schedule == name, fires.c.planned, *_wanted(search)
    begun = select(fires).where(*mine, fires.c.started_at.is_not(None))
    latest = begun.order_by(fires.c.due.desc()).limit(_MEASURED)
    rows = [FireRow(**row) for row in connection.execute(latest).mappings()]
    late = [one.lateness.total_seconds() for one in rows if one.lateness is not None]
    took = [one.took.total_seconds() for one in rows if one.took is not None]
    to_run = sum(verdicts.get(one, 0) for one in ("ran", "late", "failed", "dropped", "missed"))
    well = verdicts.get("ran", 0) + verdicts.get("late", 0)
    if verdicts.get("late"):
        waits = or_(fires.c.status.is_(None), fires.c.status == "Running")
        late_still = fires.c.verdict == "late", fires.c.begun_at.is_(None), waits
        well -= connection.execute(select(func.count()).where(*mine, *late_still)).scalar_one()
    return Summary(
        schedule=name,
        verdicts=verdicts,
        success_rate=round(well / to_run, 4) if to_run else None,
        late_median_s=_rounded(median(late)) if late else None,
        late_max_s=_rounded(max(late)) if late else None,
        took_median_s=_rounded(median(took)) if took else None,
        took_max_s=_rounded(max(took)) if took else None,
    )


def _wanted(search: FireSearch) -> Iterator[ColumnElement[bool]]:
    if search.schedules:
        yield fires.c.schedule.in_(search.schedules)
    if search.verdicts:
        yield fires.c.verdict.in_(search.verdicts)
    if search.owner is not None:
        yield fires.c.owner == search.owner
    if search.since is not None:
        yield fires.c.due >= search.since
    if search.until is not None:
        yield fires.c.due <= search.until


def _key(row: FireRow) -> str:
    return f"{row.due.astimezone(UTC).isoformat()}~{row.schedule}"


def _read_key(text: str) -> tuple[datetime, str]:
    at, _, schedule = text.partition("~")
    try:
        due = datetime.fromisoformat(at)
    except ValueError:
        raise UsageError(f"{text!r} is not where a page ended") from None
    if due.tzinfo is None or not schedule:
        raise UsageError(f"{text!r} is not where a page ended")
    return due, schedule


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


def outdated(good_until: datetime | None, now: datetime) -> timedelta | None:
    """How old the ledger is; None where the monitor looked a moment ago."""
    if good_until is None:
        return timedelta.max
    age = now - good_until
    return age if age > timedelta(minutes=1) else None
