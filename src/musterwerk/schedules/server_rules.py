"""When Temporal's own scheduler fires, with all its peculiarities at clock changes. Pure.

What the server computes is told here before anything is sent to it. The rules are those of its
source (service/worker/scheduler, `CompiledSpec` and its calendars), and are held to a real server
by tests and by benchmarks/schedules.py. Nominal times: jitter comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from musterwerk.schedules.dates import FIRST_YEAR, LAST_YEAR
from musterwerk.schedules.native import NativeCalendar, NativeSpec
from musterwerk.schedules.zones import Zone, zone

CHECKED_AGAINST = "Temporal Server 1.32.0"
_HOUR, _DAY = 3_600, 86_400
_BEFORE_ALL = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()) - 86_400


def fires(spec: NativeSpec, after: datetime, until: datetime) -> Iterator[datetime]:
    """Each nominal time after `after`, up to and with `until`."""
    where = zone(spec.time_zone)
    walks = [_Walk(one, where) for one in spec.calendars]
    excludes = [_Walk(one, where) for one in spec.excludes]
    at, end = int(after.timestamp()), int(until.timestamp())
    if spec.start is not None:
        at = max(at, int(spec.start.timestamp()) - 1)
    if spec.end is not None:
        end = min(end, int(spec.end.timestamp()))
    pending: dict[int, int | None] = {}
    while True:
        # What one of them has found ahead stays found, but for clock changes: there the server
        # finds something else from where another one has just fired.
        anew = where.is_near_change(at, _DAY)
        for number, walk in enumerate(walks):
            known = pending.get(number, at)
            if anew or (known is not None and known <= at):
                pending[number] = walk.next(at)
        found = [one for one in pending.values() if one is not None]
        found += [_next_interval(one.every, one.phase, at) for one in spec.intervals]
        if not found or (then := min(found)) > end or then <= at:
            return  # at some changes the server goes back, and says the same for ever
        at = then
        if not any(walk.fits(at) for walk in excludes):
            yield datetime.fromtimestamp(at, UTC)


def _next_interval(every: int, phase: int, at: int) -> int:
    """Go divides towards zero: a phase that lies ahead is passed over."""
    past = at - phase
    count = past // every if past >= 0 else -(-past // every)
    return (count + 1) * every + phase


class _Walk:
    """Through one calendar, in its zone."""

    def __init__(self, calendar: NativeCalendar, where: Zone) -> None:
        self._calendar = calendar
        self._zone = where

    def fits(self, at: int) -> bool:
        """Whether the clock shows something then that fits."""
        day, seconds = self._zone.clock(at)
        hour, minute, second = seconds // _HOUR, seconds // 60 % 60, seconds % 60
        one = self._calendar
        return (
            self._fits_date(day, day.isoweekday() % 7)
            and hour in one.hours
            and minute in one.minutes
            and second in one.seconds
        )

    def _fits_date(self, day: date, weekday: int) -> bool:
        one = self._calendar
        return (
            (not one.years or day.year in one.years)
            and day.month in one.months
            and day.day in one.days
            and weekday in one.weekdays
        )

    def next(self, at: int) -> int | None:
        """The first after `at`; None where the server's calendar ends.

        It walks the wall clock, and keeps in `offset` whether it is in the second copy of an hour
        that comes twice: as the server does, also where that goes wrong.
        """
        one = self._calendar
        day, seconds = self._zone.clock(at)
        hour, minute, second = seconds // _HOUR, seconds // 60 % 60, seconds % 60
        offset = _HOUR if self._zone.clock(at - _HOUR)[1] // _HOUR == hour else 0
        second += 1
        number = day.toordinal()
        while True:
            if second >= 60:
                minute, second = minute + 1, 0
            if minute >= 60:
                before = self._zone.moment(number, hour * _HOUR)
                then = self._zone.moment(number, (hour + 1) * _HOUR)
                minute = 0
                if offset == 0 and then - before > _HOUR:
                    offset = _HOUR  # the same hour once more
                else:
                    hour, offset = hour + 1, 0
            if hour >= 24:
                number, hour = number + 1, 0
            date_ = date.fromordinal(number)
            if date_.year > LAST_YEAR:
                return None
            if not self._fits_date(date_, self._weekday(number, hour, minute, second)):
                found = self._next_date(number)
                if found is None:
                    return None
                number, hour, minute, second, offset = found, 0, 0, 0, 0
                continue
            while hour < 24 and hour not in one.hours:
                hour, minute, second, offset = hour + 1, 0, 0, 0
            if hour >= 24:
                continue
            while minute < 60 and minute not in one.minutes:
                minute, second = minute + 1, 0
            if minute >= 60:
                continue
            while second < 60 and second not in one.seconds:
                second += 1
            if second >= 60:
                continue
            moment = self._zone.moment(number, hour * _HOUR + minute * 60 + second)
            if self._zone.clock(moment)[1] // _HOUR != hour:  # in a gap
                hour, minute, second = hour + 1, 0, 0
                continue
            return moment + offset

    def _weekday(self, number: int, hour: int, minute: int, second: int) -> int:
        """Of the moment, which in a gap over midnight is another day's."""
        moment = self._zone.moment(number, hour * _HOUR + minute * 60 + second)
        return self._zone.clock(moment)[0].isoweekday() % 7

    def _next_date(self, number: int) -> int | None:
        """The first after it that fits at midnight."""
        one = self._calendar
        number += 1
        while (day := date.fromordinal(number)).year <= LAST_YEAR:
            if one.years and day.year not in one.years:
                number = date(day.year + 1, 1, 1).toordinal()
            elif day.month not in one.months:
                number = _next_month(day)
            elif self._fits_date(day, self._weekday(number, 0, 0, 0)):
                return number
            else:
                number += 1
        return None


def happens_once(calendar: NativeCalendar, where: Zone, at: int) -> bool:
    """Whether the calendar fires then, and never else."""
    walk = _Walk(calendar, where)
    return walk.next(_BEFORE_ALL) == at and walk.next(at) is None


def _next_month(day: date) -> int:
    later = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(*later, 1).toordinal()
