"""Cron expressions and calendars as one thing: rules for dates, and times of day. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from musterwerk.schedules import dates, fields
from musterwerk.schedules.dates import DateRule, both
from musterwerk.schedules.fields import numbers
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.model import Calendar

_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
ALL_HOURS = frozenset(range(24))


@dataclass(frozen=True)
class Pattern:
    """Every date that fits one of `dates`, at every one of these times of day."""

    dates: tuple[DateRule, ...]
    hours: frozenset[int]
    minutes: frozenset[int]
    seconds: frozenset[int] = frozenset({0})

    @property
    def is_hourly(self) -> bool:
        """What runs in every hour goes by elapsed time, as with cron's own wildcard."""
        return self.hours == ALL_HOURS


def of_cron(text: str) -> Pattern:
    """Raises `ScheduleMistake` about the field "cron"."""
    expression = _SHORT.get(text.strip().lower(), text)
    parts = expression.split()
    if expression.startswith("@"):
        raise ScheduleMistake(
            "cron",
            f"{text!r} is none; {', '.join(sorted(_SHORT))} are known; for a span of time "
            'write every = "90m" instead of cron',
        )
    if len(parts) != 5:
        raise ScheduleMistake(
            "cron",
            f"{text!r} has {len(parts)} fields; five are expected: minute, hour, day of month, "
            "month, day of week, such as 0 6 * * MON-FRI",
        )
    try:
        minute, hour, day, month, weekday = parts
        months = numbers(fields.MONTH, month)
        found = Pattern(
            _dates(day.upper(), weekday.upper(), months),
            numbers(fields.HOUR, hour),
            numbers(fields.MINUTE, minute),
        )
    except ValueError as error:
        raise ScheduleMistake("cron", f"{text!r}: {error}") from None
    return _possible(found, "cron", text)


def of_calendar(given: Calendar) -> Pattern:
    """Raises `ScheduleMistake` about the field "on"."""
    try:
        years = frozenset[int]() if given.year in ("*", "?") else numbers(fields.YEAR, given.year)
        rule = DateRule(
            numbers(fields.DAY, given.day),
            numbers(fields.MONTH, given.month),
            numbers(fields.WEEKDAY, given.weekday),
            years,
        )
        found = Pattern(
            (rule,),
            numbers(fields.HOUR, given.hour),
            numbers(fields.MINUTE, given.minute),
            numbers(fields.SECOND, given.second),
        )
    except ValueError as error:
        raise ScheduleMistake("on", str(error)) from None
    return _possible(found, "on", str(given))


def _possible(found: Pattern, field: str, text: str) -> Pattern:
    fitting = tuple(rule for rule in found.dates if rule.ever_fits())
    if not fitting:
        raise ScheduleMistake(field, f"{text!r} never fires: no month has such a day")
    return Pattern(fitting, found.hours, found.minutes, found.seconds)


def _dates(day: str, weekday: str, months: frozenset[int]) -> tuple[DateRule, ...]:
    """Cron's rule: days of month or of week where both are named, both where one begins with *."""
    of_month = tuple(_terms(day, months, _day_rules))
    of_week = tuple(_terms(weekday, months, _weekday_rules))
    if day[0] in "*?" or weekday[0] in "*?":
        return both(of_month, of_week)
    return (*of_month, *of_week)


def _terms(
    text: str,
    months: frozenset[int],
    special: Callable[[str, frozenset[int]], Iterable[DateRule] | None],
) -> Iterator[DateRule]:
    of_month = special is _day_rules
    plain = list[str]()
    for term in text.split(","):
        found = special(term, months)
        if found is None:
            plain.append(term)
        else:
            yield from found
    if plain and of_month:
        yield DateRule(days=numbers(fields.DAY, ",".join(plain)), months=months)
    elif plain:
        yield DateRule(weekdays=numbers(fields.WEEKDAY, ",".join(plain)), months=months)


def _day_rules(term: str, months: frozenset[int]) -> Iterable[DateRule] | None:
    """None where it is a plain number or span."""
    if last := re.fullmatch(r"L(?:-(\d{1,2}))?", term):
        before = int(last[1] or 0)
        if before > 27:
            raise ValueError(f"day of month {term}: at most L-27, which every month has")
        return dates.from_end(before, months)
    if near := re.fullmatch(r"(\d{1,2}|L)W", term):
        day = None if near[1] == "L" else fields.number(fields.DAY, near[1])
        return dates.nearest_workday(day, months)
    return None


def _weekday_rules(term: str, months: frozenset[int]) -> Iterable[DateRule] | None:
    if nth := re.fullmatch(r"(\w+)#(\d+)", term):
        weekday, number = _weekday(nth[1]), int(nth[2])
        if not 1 <= number <= 5:
            raise ValueError(f"day of week {term}: after # a number from 1 to 5 is expected")
        days = frozenset(range(7 * number - 6, min(7 * number, 31) + 1))
        return [DateRule(days, months, frozenset({weekday}))]
    if last := re.fullmatch(r"(\d|[A-Z]{3})L", term):
        return dates.last_weekday(_weekday(last[1]), months)
    return None


def _weekday(text: str) -> int:
    return fields.number(fields.WEEKDAY, text) % 7
