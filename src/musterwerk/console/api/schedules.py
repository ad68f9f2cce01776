"""Schedules as the ledger knows them: lists, one of them, what became of its due times, a calendar.

For everybody with a token; what is done to schedules is done by the command line or the screens.
"""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from musterwerk.console import days as of_days
from musterwerk.console.api.schedule_views import (
    Calendar,
    CalendarDay,
    CalendarSpan,
    Fires,
    FireView,
    IncidentView,
    OneSchedule,
    Schedules,
    ScheduleView,
)
from musterwerk.console.auth import CallerDep, ServicesDep
from musterwerk.console.calendar import read_calendar
from musterwerk.console.days import View
from musterwerk.console.problems import Problem, documented
from musterwerk.schedules.ledger.model import Verdict
from musterwerk.store.calendar import Seen
from musterwerk.store.ledger_reading import FireSearch, search_fires
from musterwerk.store.ledger_rows import FireRow
from musterwerk.store.schedule_pages import (
    MAX_LIMIT,
    ListedSchedule,
    ScheduleSearch,
    find_schedule,
    open_incident,
    search_schedules,
    upcoming,
    watched,
)

router = APIRouter(tags=["schedules"])
ScheduleName = Annotated[str, Path(description="Its name.", examples=["daily-report"])]
_NEXT = 50


@router.get("/schedules", summary="Schedules and how they stand", responses=documented())
def list_schedules(
    caller: CallerDep,
    services: ServicesDep,
    q: Annotated[str | None, Query(max_length=100, description="Text in the name.")] = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
    paused: bool | None = None,
    failing: Annotated[bool, Query(description="With an open incident.")] = False,
    overdue: Annotated[bool, Query(description="Due, and no run of it has begun.")] = False,
    drifted: Annotated[bool, Query(description="Changed by hand.")] = False,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Schedules:
    """By name."""
    search = ScheduleSearch(q, owner, paused, failing, overdue, drifted, cursor, limit)
    with services.store.read() as connection:
        page = search_schedules(connection, search, services.now())
        watch = watched(connection)
    items = [_listed(one) for one in page.schedules]
    return Schedules(items=items, next=page.next, as_of=watch.good_until if watch else None)


@router.get("/schedules/{name}", summary="One schedule", responses=documented())
def get_schedule(name: ScheduleName, caller: CallerDep, services: ServicesDep) -> OneSchedule:
    with services.store.read() as connection:
        row = find_schedule(connection, name)
        if row is None:
            raise _unknown(name)
        incident, watch = open_incident(connection, name), watched(connection)
        as_of = watch.good_until if watch else None
        ahead = upcoming(connection, name, as_of or services.now(), _NEXT)
    declared = row.declared
    if declared is not None and not caller.sees_all:
        declared = {key: value for key, value in declared.items() if key not in ("args", "memo")}
    found = IncidentView.model_validate(incident, from_attributes=True) if incident else None
    fields = vars(row) | {"declared": declared, "incident": found, "coming": ahead, "as_of": as_of}
    return OneSchedule.model_validate(fields)


@router.get(
    "/schedules/{name}/fires", summary="What became of its due times", responses=documented()
)
def list_fires(
    name: ScheduleName,
    caller: CallerDep,
    services: ServicesDep,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    verdict: Annotated[list[Verdict] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Fires:
    """Latest first."""
    search = FireSearch(
        (name,), tuple(verdict or ()), since=since, until=until, after=cursor, limit=limit
    )
    with services.store.read() as connection:
        if find_schedule(connection, name) is None:
            raise _unknown(name)
        page = search_fires(connection, search)
    return Fires(items=[_fire(one) for one in page.fires], next=page.next)


@router.get("/calendar", summary="Due times by days and hours", responses=documented())
def get_calendar(
    caller: CallerDep,
    services: ServicesDep,
    view: View = "month",
    date: Annotated[dt.date | None, Query(description="A day of it; today if not given.")] = None,
    zone: Annotated[str, Query(max_length=60, description="Whose days, as IANA calls it.")] = "UTC",
    owner: Annotated[str | None, Query(max_length=200)] = None,
    schedule: Annotated[str | None, Query(max_length=100)] = None,
) -> Calendar:
    """Days are those of the zone: of 23 or 25 hours where clocks change. `hours` are there for a
    day and a week."""
    _check_zone(zone)
    day = date or of_days.today(services.now(), zone)
    if not of_days.FIRST <= day <= of_days.LAST:
        raise Problem("invalid", f"date: from {of_days.FIRST} to {of_days.LAST}")
    found = read_calendar(services, view, day, zone, owner=owner, schedule=schedule)
    shown: list[CalendarDay] = []
    for at, (one, seen) in enumerate(zip(found.days, found.seen, strict=True)):
        hours = found.hours[at] if found.hours else []
        spans = [_span(hour.span.start, hour.span.end, inside) for hour, inside in hours]
        whole = _span(one.span.start, one.span.end, seen)
        shown.append(CalendarDay(**whole, date=one.date, hours=[CalendarSpan(**o) for o in spans]))
    return Calendar(zone=zone, as_of=found.as_of, days=shown)


def _listed(one: ListedSchedule) -> ScheduleView:
    more = {
        "overdue": one.overdue,
        "failing_since": one.failing_since,
        "verdict": one.verdict,
        "due": one.due,
    }
    return ScheduleView.model_validate(vars(one.row) | more)


def _fire(row: FireRow) -> FireView:
    return FireView.model_validate(row, from_attributes=True)


def _span(start: datetime, end: datetime, seen: Seen) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "counts": seen.counts,
        "troubles": [vars(one) for one in seen.troubles],
        "dues": [vars(one) for one in seen.dues],
    }


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError) as error:
        raise Problem(
            "invalid", f"zone: {zone!r} is no time zone, such as Europe/Berlin"
        ) from error


def _unknown(name: str) -> Problem:
    return Problem("not-found", f"the ledger knows no schedule {name[:100]!r}")
