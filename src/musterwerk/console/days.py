"""Days, weeks and months of a time zone as spans of time, clock changes included. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from musterwerk.store.calendar import Span

View = Literal["day", "week", "month"]
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
#: Calendars are shown of these years; near the ends of time no zone can be applied.
FIRST, LAST = date(1980, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True)
class Day:
    date: date
    span: Span

    @property
    def length(self) -> timedelta:
        """23 or 25 hours where clocks change."""
        return self.span.end - self.span.start


@dataclass(frozen=True)
class Hour:
    """`clock` is what a wall clock shows at its start, `fold` 1 for an hour that comes again."""

    clock: time
    fold: int
    span: Span


def day_of(day: date, zone: str) -> Day:
    return Day(day, Span(_midnight(day, zone), _midnight(day + _DAY, zone)))


def days_of(view: View, day: date, zone: str) -> list[Day]:
    """Of the day, week (from Monday) or month in which `day` is."""
    first, count = first_of(view, day), 1
    if view == "week":
        count = 7
    elif view == "month":
        count = calendar.monthrange(first.year, first.month)[1]
    return [day_of(first + number * _DAY, zone) for number in range(count)]


def first_of(view: View, day: date) -> date:
    if view == "week":
        return day - day.weekday() * _DAY
    return day.replace(day=1) if view == "month" else day


def before(view: View, day: date) -> date | None:
    """A day of the one before; None where none is shown."""
    return _shown(first_of(view, day) - _DAY)


def after(view: View, day: date) -> date | None:
    lengths = {"day": 1, "week": 7, "month": 31}
    following = first_of(view, day) + lengths[view] * _DAY
    return _shown(first_of(view, following))


def hours_of(day: Day, zone: str) -> Iterator[Hour]:
    """Of elapsed time: each instant of the day is in one of them."""
    where, start = ZoneInfo(zone), day.span.start
    while start < day.span.end:
        end = min(start + _HOUR, day.span.end)
        local = start.astimezone(where)
        yield Hour(local.time().replace(fold=0), local.fold, Span(start, end))
        start = end


def today(now: datetime, zone: str) -> date:
    return now.astimezone(ZoneInfo(zone)).date()


def _midnight(day: date, zone: str) -> datetime:
    """Where clocks leave midnight out, the day begins when they do."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _shown(day: date) -> date | None:
    return day if FIRST <= day <= LAST else None
