"""Working time: where a duration ends if only office hours on working days count.

A whole day is a working day: it ends at the same time of day on the next one, however long the
clocks make it. What is left of a duration are office hours, counted as they pass. So "1 day" on
Friday at 16:00 ends on Monday at 16:00, and "3 hours" at 11:00.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from musterwerk.approvals.policy import Calendar
from musterwerk.errors import UsageError
from musterwerk.regions import public_holidays, zone_of

_DAY = timedelta(days=1)
_NONE = timedelta(0)


@dataclass(frozen=True)
class _Year:
    """The working days of a year. `opens` and `closes` are in UTC, `passed` are the office hours
    of all days before each, and at last those of the whole year.
    """

    dates: list[date]
    opens: list[datetime]
    closes: list[datetime]
    passed: list[timedelta]


class WorkingTime:
    """Without a calendar all time counts. Raises `UsageError` where the calendar cannot be."""

    def __init__(self, calendar: Calendar | None = None) -> None:
        self._office = None if calendar is None else _Office(calendar)

    def after(self, start: datetime, duration: timedelta) -> datetime:
        """In UTC. `start` is aware; outside office hours it counts from the next opening.

        What would end at an opening ends at the closing before it.
        """
        start = start.astimezone(UTC)
        if self._office is None or duration <= _NONE:
            return start + max(duration, _NONE)
        return self._office.after(start, duration)


class _Office:
    """One calendar, with the years it has been asked about."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._zone = zone_of(calendar.region, calendar.zone)
        self._years: dict[int, _Year] = {}

    def after(self, start: datetime, duration: timedelta) -> datetime:
        year, index = self._working_day(start)
        start = max(start, self._year(year).opens[index])
        if duration.days:
            year, index, start = self._days_later(year, index, start, duration.days)
        return self._hours_later(year, index, start, duration - duration.days * _DAY)

    def _working_day(self, moment: datetime) -> tuple[int, int]:
        """The first that closes after this moment: its year, and its index there."""
        year = moment.astimezone(self._zone).year
        index = bisect_right(self._year(year).closes, moment)
        return (year, index) if index < len(self._year(year).closes) else (year + 1, 0)

    def _days_later(
        self, year: int, index: int, start: datetime, days: int
    ) -> tuple[int, int, datetime]:
        clock = start.astimezone(self._zone).time()
        index += days
        while index >= (length := len(self._year(year).dates)):
            index -= length
            year += 1
        found = self._year(year)
        same = wall_clock(found.dates[index], clock, self._zone)
        return year, index, min(max(same, found.opens[index]), found.closes[index])

    def _hours_later(self, year: int, index: int, start: datetime, left: timedelta) -> datetime:
        if not left:
            return start
        # From the beginning of the year: then one search finds the day.
        left += self._year(year).passed[index] + (start - self._year(year).opens[index])
        while left > (whole := self._year(year).passed[-1]):
            left -= whole
            year += 1
        found = self._year(year)
        index = bisect_left(found.passed, left) - 1
        return found.opens[index] + (left - found.passed[index])

    def _year(self, year: int) -> _Year:
        if (known := self._years.get(year)) is None:
            known = self._years[year] = _working_days(self._calendar, self._zone, year)
        return known


def working_time(calendar: Calendar | None) -> WorkingTime:
    """The same one for the same calendar: it remembers the years it has seen."""
    return WorkingTime() if calendar is None else _remembered(calendar.model_dump_json())


@lru_cache(maxsize=64)
def _remembered(calendar: str) -> WorkingTime:
    return WorkingTime(Calendar.model_validate_json(calendar))


def wall_clock(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """In UTC. The first time the clock shows it, or where it is skipped the moment it is.

    The skipped hour has no times of its own, so 02:30 and 02:45 in it are both the change itself:
    nothing overtakes what came before it.
    """
    local = datetime.combine(day, clock.replace(tzinfo=None, fold=0), zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    early, late = local.replace(fold=1).astimezone(UTC), moment
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def _working_days(calendar: Calendar, zone: ZoneInfo, year: int) -> _Year:
    closed = public_holidays(calendar.region, year)
    first = date(year, 1, 1)
    days = (first + n * _DAY for n in range((date(year + 1, 1, 1) - first).days))
    spans = [
        (day, wall_clock(day, calendar.opens, zone), wall_clock(day, calendar.closes, zone))
        for day in days
        if day.weekday() in calendar.weekdays and day not in closed
    ]
    # A clock can skip all office hours of a day; that is no working day.
    spans = [(day, opens, closes) for day, opens, closes in spans if opens < closes]
    if not spans:
        raise UsageError(
            f"there is no working day in {year}: all of its weekdays {list(calendar.weekdays)} "
            f"are holidays in {calendar.region}; add weekdays (0 is Monday)"
        )
    return _Year(
        dates=[day for day, _, _ in spans],
        opens=[opens for _, opens, _ in spans],
        closes=[closes for _, _, closes in spans],
        passed=list(accumulate((end - start for _, start, end in spans), initial=_NONE)),
    )
