"""When a schedule is meant to fire, by the wall clock of people. Pure.

A time of day that comes twice counts the first time; one that is skipped in spring counts as soon
as the gap ends. What is there in every hour goes by elapsed time instead, as cron does it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from musterwerk.errors import UsageError
from musterwerk.schedules.dates import WORKDAYS
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.model import When
from musterwerk.schedules.patterns import Pattern, of_calendar, of_cron
from musterwerk.schedules.zones import DAY, Zone, zone


def patterns(when: When) -> tuple[Pattern, ...]:
    """Raises `ScheduleMistake`."""
    return (*map(of_cron, when.cron), *map(of_calendar, when.on))


def meant(when: When, after: datetime, until: datetime) -> Iterator[datetime]:
    """Each due time after `after`, up to and with `until`."""
    low, high = int(after.timestamp()), int(until.timestamp())
    if when.start is not None:
        low = max(low, int(when.start.timestamp()) - 1)
    if when.end is not None:
        high = min(high, int(when.end.timestamp()))
    where = zone(when.time_zone)
    parts = [_wall_clock(when, patterns(when), where, low, high)]
    if when.every is not None:
        parts.append(_every(int(when.every.total_seconds()), int(when.phase.total_seconds()), low))
    parts.append(iter(sorted(int(one.timestamp()) for one in when.at)))
    last = low
    for at in heapq.merge(*parts):
        if at > high:
            return
        if at > last and is_day(when, where.clock(at)[0]):
            last = at
            yield datetime.fromtimestamp(at, UTC)


def is_day(when: When, day: date) -> bool:
    """Whether there are runs at all on this date."""
    if day in when.exclude:
        return False
    if when.business_days is None:
        return True
    return day.isoweekday() % 7 in WORKDAYS and day not in holidays_in(when.business_days, day.year)


@lru_cache(maxsize=1024)
def holidays_in(region: str, year: int) -> frozenset[date]:
    """Raises `ScheduleMistake`."""
    try:
        # Only for whom it is used: it loads the holidays of all countries.
        from musterwerk.regions import public_holidays

        return public_holidays(region, year)
    except ModuleNotFoundError as missing:
        needed = f"it needs {missing.name}: pip install 'musterwerk[schedules]'"
        raise ScheduleMistake("business_days", needed) from missing
    except UsageError as error:
        raise ScheduleMistake("business_days", str(error)) from None


def _every(every: int, phase: int, after: int) -> Iterator[int]:
    at = ((after - phase) // every + 1) * every + phase
    while True:
        yield at
        at += every


def _wall_clock(
    when: When, given: tuple[Pattern, ...], where: Zone, after: int, until: int
) -> Iterator[int]:
    if not given:
        return
    first = where.clock(after)[0].toordinal() - 1
    last = where.clock(until)[0].toordinal() + 1
    ahead: set[int] = set()
    for number in range(first, last + 1):
        day = date.fromordinal(number)
        if is_day(when, day):
            ahead.update(at for one in given for at in on_day(one, where, day))
        # A clock change may move a time by hours: what is nearer than a day is in order.
        ripe = sorted(at for at in ahead if at < (number - _EPOCH) * DAY - DAY)
        ahead.difference_update(ripe)
        yield from ripe
    yield from sorted(ahead)


_EPOCH = date(1970, 1, 1).toordinal()


def on_day(pattern: Pattern, where: Zone, day: date) -> Iterator[int]:
    """The moments that are meant on a local date."""
    if not any(rule.fits(day) for rule in pattern.dates):
        return
    number = day.toordinal()
    for hour in pattern.hours:
        for minute in pattern.minutes:
            for second in pattern.seconds:
                clock = hour * 3_600 + minute * 60 + second
                found = where.moments(number, clock)
                if pattern.is_hourly:
                    yield from found
                else:
                    yield found[0] if found else where.after_gap(number, clock)


def as_meant(when: When, offered: Sequence[datetime]) -> list[datetime]:
    """What the server offers, in order, without the holidays of years before it was told of any."""
    if when.business_days is None or not offered:
        return list(offered)
    meanwhile = set(meant(when, offered[0] - timedelta(seconds=1), offered[-1]))
    return [one for one in offered if one in meanwhile]
