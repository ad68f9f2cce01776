"""Which dates are meant, by month, day of month and day of week; `L`, `W` and `#` of cron too.

Everything becomes rules whose fields all have to fit, because that is all that Temporal's server
knows. What needs the length of the month has a rule for each length.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product

#: As far as the server's own calendar goes.
FIRST_YEAR, LAST_YEAR = 2000, 2100
YEARS = range(FIRST_YEAR, LAST_YEAR + 1)
ALL_DAYS = frozenset(range(1, 32))
ALL_MONTHS = frozenset(range(1, 13))
#: 0 is Sunday.
ALL_WEEKDAYS = frozenset(range(7))
WORKDAYS = frozenset(range(1, 6))
_MONDAY, _FRIDAY = 1, 5


@dataclass(frozen=True)
class DateRule:
    """A date fits where all of them do. No `years` are all years."""

    days: frozenset[int] = ALL_DAYS
    months: frozenset[int] = ALL_MONTHS
    weekdays: frozenset[int] = ALL_WEEKDAYS
    years: frozenset[int] = frozenset()

    def fits(self, day: date) -> bool:
        return (
            day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 in self.weekdays
            and (not self.years or day.year in self.years)
        )

    def and_(self, other: DateRule) -> DateRule | None:
        """None where no date can fit both."""
        years = self.years & other.years if self.years and other.years else None
        if years is not None and not years:
            return None
        both = DateRule(
            self.days & other.days,
            self.months & other.months,
            self.weekdays & other.weekdays,
            self.years or other.years if years is None else years,
        )
        return both if both.days and both.months and both.weekdays else None

    def ever_fits(self) -> bool:
        """Whether there is such a date: 31 February is none."""
        years = self.years or YEARS
        leap = any(calendar.isleap(year) for year in years)
        longest = {month: calendar.monthrange(2023, month)[1] for month in self.months}
        if leap and 2 in longest:
            longest[2] = 29
        return any(min(self.days) <= length for length in longest.values())


def both(some: Iterable[DateRule], others: Iterable[DateRule]) -> tuple[DateRule, ...]:
    found = (one.and_(other) for one, other in product(some, others))
    return tuple(rule for rule in found if rule is not None)


def by_length(months: frozenset[int]) -> Iterator[tuple[int, DateRule]]:
    """For each length of a month the rule that finds the months of that length."""
    leap = frozenset(year for year in YEARS if calendar.isleap(year))
    for length in (30, 31):
        fitting = {m for m in months if m != 2 and calendar.monthrange(2023, m)[1] == length}
        if fitting:
            yield length, DateRule(months=frozenset(fitting))
    if 2 in months:
        february = frozenset({2})
        yield 28, DateRule(months=february, years=frozenset(YEARS) - leap)
        yield 29, DateRule(months=february, years=leap)


def from_end(before: int, months: frozenset[int]) -> Iterator[DateRule]:
    """So many days before the last one of the month."""
    for length, rule in by_length(months):
        yield DateRule(frozenset({length - before}), rule.months, ALL_WEEKDAYS, rule.years)


def last_weekday(weekday: int, months: frozenset[int]) -> Iterator[DateRule]:
    """The month's last Monday, or whatever day it is."""
    for length, rule in by_length(months):
        days = frozenset(range(length - 6, length + 1))
        yield DateRule(days, rule.months, frozenset({weekday}), rule.years)


def nearest_workday(day: int | None, months: frozenset[int]) -> Iterator[DateRule]:
    """The workday nearest to a day of the month (None is its last), within the same month."""
    for length, rule in by_length(months):
        meant = length if day is None else day
        if meant > length:
            continue
        # If it is a Saturday the day before; if a Sunday the day after; over no end of the month.
        saturday = (meant - 1, _FRIDAY) if meant > 1 else (meant + 2, _MONDAY)
        sunday = (meant + 1, _MONDAY) if meant < length else (meant - 2, _FRIDAY)
        moved = ((meant, WORKDAYS), *((d, frozenset({w})) for d, w in (saturday, sunday)))
        for number, weekdays in moved:
            yield DateRule(frozenset({number}), rule.months, weekdays, rule.years)
