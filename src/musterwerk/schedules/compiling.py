"""From what is meant to what Temporal's server is told. Pure.

What the server has no words for is spelled out for some years: public holidays, and with
`dst = "once"` each run on the days of clock changes. Such a day is taken out of the calendars, and
its runs are intervals as long as the time since 1970 (`native.once`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import chain

from musterwerk.schedules.dates import (
    ALL_WEEKDAYS,
    FIRST_YEAR,
    LAST_YEAR,
    WORKDAYS,
    YEARS,
    DateRule,
)
from musterwerk.schedules.meaning import holidays_in, is_day, meant, on_day, patterns
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.model import When
from musterwerk.schedules.native import NativeCalendar, NativeInterval, NativeSpec, once
from musterwerk.schedules.patterns import ALL_HOURS, Pattern
from musterwerk.schedules.server_rules import fires, happens_once
from musterwerk.schedules.zones import Zone, zone

#: Whole years ahead for which is spelled out what has to be.
AHEAD = 3
#: Temporal's server looks at each of them for every run.
_MOST = 2_000
_NEAR = timedelta(hours=3)
_SIXTY = frozenset(range(60))


@dataclass(frozen=True)
class Compiled:
    """`complete_until`: from then on something is missing; None where nothing ever will."""

    spec: NativeSpec
    complete_until: datetime | None = None


def compile_when(when: When, now: datetime) -> Compiled:
    """Good for `AHEAD` calendar years from that of `now`. Raises `ScheduleMistake`."""
    # pydantic makes what is frozen hashable, which types do not tell.
    return _compiled(when, now)  # pyright: ignore[reportArgumentType]


@lru_cache(maxsize=4096)  # a plan compares, proves and extends by the same
def _compiled(when: When, now: datetime) -> Compiled:
    where, given = zone(when.time_zone), patterns(when)
    _check(when, given)
    start = datetime(now.year, 1, 1, tzinfo=UTC)
    end = datetime(now.year + AHEAD, 1, 1, tzinfo=UTC)
    spelled = when.business_days is not None
    intervals = set[NativeInterval]()
    if when.every is not None:
        every, phase = int(when.every.total_seconds()), int(when.phase.total_seconds())
        intervals.add(NativeInterval(every, phase))
    # Exclusions go by the zone's dates; without any, one-shots are told in UTC, where no hour comes
    # twice.
    at_alone = not (given or when.exclude or when.business_days)
    zone_name, days = "UTC" if at_alone else when.time_zone, frozenset[date]()
    if when.dst == "once" and given:
        if _by_elapsed_time_alone(when, given, where, start, end):
            zone_name = "UTC"
        else:
            days = _days_of_change(where, start, end)
            spelled = spelled or bool(days)
            intervals |= {once(at) for at in _spelled_out(when, given, where, days)}
    once_calendars, once_intervals = _one_shots(when, zone(zone_name))
    spec = NativeSpec(
        frozenset(_calendars(given, days)) | once_calendars,
        frozenset(intervals) | once_intervals,
        frozenset(_excludes(when, range(start.year, end.year))),
        zone_name,
        when.jitter,
        when.start,
        when.end,
    )
    _prove(when, spec, where, start, end)
    return Compiled(spec, end if spelled else None)


def _one_shots(
    when: When, where: Zone
) -> tuple[frozenset[NativeCalendar], frozenset[NativeInterval]]:
    """Calendars of one second each: an interval would come again. Only in an hour that comes twice
    there is no calendar for it."""
    calendars, intervals = set[NativeCalendar](), set[NativeInterval]()
    for at in {int(one.timestamp()) for one in when.at}:
        calendar = _exactly(where, at)
        if happens_once(calendar, where, at):
            calendars.add(calendar)
        else:
            intervals.add(once(at))
    return frozenset(calendars), frozenset(intervals)


def _exactly(where: Zone, at: int) -> NativeCalendar:
    day, seconds = where.clock(at)
    numbers = seconds % 60, seconds // 60 % 60, seconds // 3_600, day.day, day.month
    second, minute, hour, number, month = (frozenset({one}) for one in numbers)
    years = frozenset({day.year})
    return NativeCalendar(second, minute, hour, number, month, ALL_WEEKDAYS, years)


def _check(when: When, given: tuple[Pattern, ...]) -> None:
    if not (given or when.every is not None or when.at):
        raise ScheduleMistake("cron", "there is no time at all; give cron, every, on or at")
    if when.every is not None:
        _check_interval(when.every, when.phase)
    if when.start and when.end and when.start >= when.end:
        raise ScheduleMistake("end", f"{when.end} is not after start, which is {when.start}")
    for one in when.at:
        if one.microsecond or one.astimezone(UTC).year not in range(FIRST_YEAR + 1, LAST_YEAR + 1):
            raise ScheduleMistake(
                "at", f"{one} is none; whole seconds, from {FIRST_YEAR + 1} to {LAST_YEAR}"
            )
    if when.business_days is not None:
        holidays_in(when.business_days, 2026)


def _check_interval(every: timedelta, phase: timedelta) -> None:
    if every < timedelta(seconds=1) or every % timedelta(seconds=1):
        raise ScheduleMistake("every", f"{every} is none; whole seconds from 1 on are expected")
    if not timedelta(0) <= phase < every or phase % timedelta(seconds=1):
        raise ScheduleMistake("phase", f"{phase} is none; whole seconds, less than every")


def _by_elapsed_time_alone(
    when: When, given: tuple[Pattern, ...], where: Zone, start: datetime, end: datetime
) -> bool:
    """Whether the same minutes in UTC are it: no date matters, and offsets are whole hours."""
    whole = all(offset % 3_600 == 0 for offset in where.offsets_between(start, end))
    dated = when.business_days or when.exclude
    plain = all(one.is_hourly and one.dates == (DateRule(),) for one in given)
    return whole and plain and not dated


def _days_of_change(where: Zone, start: datetime, end: datetime) -> frozenset[date]:
    """The server errs in the hours around a change, also across midnight."""
    changes = where.changes_between(int(start.timestamp()), int(end.timestamp()))
    near = int(_NEAR.total_seconds())
    return frozenset(where.clock(at + by)[0] for at in changes for by in (-near, 0, near))


def _spelled_out(
    when: When, given: tuple[Pattern, ...], where: Zone, days: Iterable[date]
) -> set[int]:
    found = {
        at for day in days if is_day(when, day) for one in given for at in on_day(one, where, day)
    }
    if len(found) > _MOST:
        raise ScheduleMistake(
            "dst",
            f'"once" would spell out {len(found)} runs on the days of clock changes, and at most '
            f"{_MOST} are; fire less often, or in every hour, or leave it to the server",
        )
    return found


def _calendars(given: tuple[Pattern, ...], without: frozenset[date]) -> Iterator[NativeCalendar]:
    for one in given:
        for rule in chain.from_iterable(_without(rule, without) for rule in one.dates):
            yield NativeCalendar(
                one.seconds,
                one.minutes,
                one.hours,
                rule.days,
                rule.months,
                rule.weekdays,
                rule.years,
            )


def _without(rule: DateRule, gone: frozenset[date]) -> Iterator[DateRule]:
    """The rule on all other dates. By years, months and days: an exclusion would hit intervals."""
    if not gone:
        yield rule
        return
    years = rule.years or frozenset(YEARS)
    by_month = defaultdict[tuple[int, int], set[int]](set)
    for day in gone:
        if day.year in years and day.month in rule.months:
            by_month[day.year, day.month].add(day.day)
    touched = frozenset(year for year, _ in by_month)
    if left := years - touched:
        all_years = left == frozenset(YEARS)
        yield DateRule(
            rule.days, rule.months, rule.weekdays, frozenset[int]() if all_years else left
        )
    for year in touched:
        one, months = frozenset({year}), frozenset(m for y, m in by_month if y == year)
        if others := rule.months - months:
            yield DateRule(rule.days, others, rule.weekdays, one)
        for month in months:
            if days := rule.days - by_month[year, month]:
                yield DateRule(days, frozenset({month}), rule.weekdays, one)


def _excludes(when: When, years: range) -> Iterator[NativeCalendar]:
    """A calendar for each month that has such a day."""
    days = set(when.exclude)
    if when.business_days is not None:
        days |= {day for year in years for day in holidays_in(when.business_days, year)}
        days = {day for day in days if day.isoweekday() <= 5}
        weekend = ALL_WEEKDAYS - WORKDAYS
        yield NativeCalendar(_SIXTY, _SIXTY, ALL_HOURS, weekdays=weekend)
    by_month = defaultdict[tuple[int, int], set[int]](set)
    for day in days:
        by_month[day.year, day.month].add(day.day)
    for (year, month), numbers in by_month.items():
        yield NativeCalendar(
            _SIXTY,
            _SIXTY,
            ALL_HOURS,
            frozenset(numbers),
            frozenset({month}),
            ALL_WEEKDAYS,
            frozenset({year}),
        )


def _prove(when: When, spec: NativeSpec, where: Zone, start: datetime, end: datetime) -> None:
    """That the server will do what is meant around each clock change, by its own rules."""
    if when.dst != "once":
        return
    for at in where.changes_between(int(start.timestamp()), int(end.timestamp())):
        change = datetime.fromtimestamp(at, UTC)
        span = change - timedelta(days=2), change + timedelta(days=2)
        if list(fires(spec, *span)) != list(meant(when, *span)):
            raise ScheduleMistake(
                "dst",
                f'"once" cannot be told to the server around {change:%Y-%m-%d} in '
                f"{when.time_zone}; this is a gap of Musterwerk's, please report it",
            )
