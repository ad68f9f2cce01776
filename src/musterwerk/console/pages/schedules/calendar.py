"""The calendar of schedules: what has become of due times, and which lie ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from musterwerk.console import days as of_days
from musterwerk.console.auth import ServicesDep
from musterwerk.console.calendar import Shown, read_calendar
from musterwerk.console.days import Hour, View
from musterwerk.console.pages.site import ViewerDep, render
from musterwerk.console.problems import Problem
from musterwerk.store.calendar import Seen
from musterwerk.store.ledger_reading import outdated

router = APIRouter()
VIEWS: tuple[View, ...] = ("month", "week", "day")


@dataclass(frozen=True)
class Filters:
    """What stands in the address."""

    view: View
    date: str
    owner: str = ""
    schedule: str = ""

    def address(self, **changed: object) -> str:
        given = {**vars(self), **changed}
        query = {key: str(value) for key, value in given.items() if value}
        return f"/schedules/calendar?{urlencode(query)}"


@dataclass(frozen=True)
class Row:
    """An hour of the wall clock on each of the days; None where a day does not have it."""

    hour: Hour
    cells: list[Seen | None]


@router.get("/schedules/calendar")
def show(
    request: Request,
    viewer: ViewerDep,
    services: ServicesDep,
    view: View = "month",
    date: Annotated[str, Query(max_length=10)] = "",
    owner: Annotated[str, Query(max_length=200)] = "",
    schedule: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    zone = viewer.row.zone
    today = of_days.today(services.now(), zone)
    day = _day(date) if date else today
    filters = Filters(view, day.isoformat(), owner.strip(), schedule.strip())
    found = read_calendar(
        services, view, day, zone, owner=filters.owner or None, schedule=filters.schedule or None
    )
    return render(
        request,
        "schedules/calendar.html",
        filters=filters,
        views=VIEWS,
        day=day,
        today=today,
        before=of_days.before(view, day),
        after=of_days.after(view, day),
        found=found,
        cells=dict(zip((one.date for one in found.days), found.seen, strict=True)),
        weeks=_weeks(found) if view == "month" else [],
        weekdays=sorted(found.days[:7], key=lambda one: one.date.weekday()),
        rows=_rows(found),
        watch=found.watch,
        old=outdated(found.watch.good_until if found.watch else None, services.now()),
    )


def _weeks(found: Shown) -> list[list[date | None]]:
    """Of a month, from Monday; None before its first and after its last day."""
    cells: list[date | None] = [None] * found.days[0].date.weekday()
    cells += [one.date for one in found.days]
    cells += [None] * (-len(cells) % 7)
    return [cells[first : first + 7] for first in range(0, len(cells), 7)]


def _rows(found: Shown) -> list[Row]:
    rows: dict[tuple[time, int], Row] = {}
    for column, hours in enumerate(found.hours):
        for hour, seen in hours:
            key = hour.clock, hour.fold
            row = rows.setdefault(key, Row(hour, [None] * len(found.days)))
            row.cells[column] = seen
    return [rows[key] for key in sorted(rows)]


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise Problem("invalid", "date: a day such as 2026-11-28") from error
    if not of_days.FIRST <= found <= of_days.LAST:
        raise Problem("invalid", f"date: from {of_days.FIRST} to {of_days.LAST}")
    return found
