"""Cron in words of cron: which dates and times are meant, and what is none."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musterwerk.schedules import Calendar
from musterwerk.schedules.dates import DateRule
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.native import NativeCalendar, NativeSpec, from_proto, ranges, to_proto
from musterwerk.schedules.patterns import of_calendar, of_cron


def days(cron: str, count: int = 6, first: date = date(2026, 1, 1)) -> list[str]:
    rules, found, day = of_cron(cron).dates, list[str](), first
    while len(found) < count:
        if any(rule.fits(day) for rule in rules):
            found.append(f"{day:%m-%d}")
        day += timedelta(days=1)
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 0 L * *", ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30"]),
        ("0 0 L-2 * *", ["01-29", "02-26", "03-29", "04-28", "05-29", "06-28"]),
        ("0 0 LW * *", ["01-30", "02-27", "03-31", "04-30", "05-29", "06-30"]),
        # 1 February 2026 is a Sunday, 1 August a Saturday: both move within their month.
        ("0 0 1W * *", ["01-01", "02-02", "03-02", "04-01", "05-01", "06-01"]),
        ("0 0 1W 8 *", ["08-03"]),
        ("0 0 31W * *", ["01-30", "03-31", "05-29", "07-31", "08-31", "10-30"]),
        ("0 0 * * 5L", ["01-30", "02-27", "03-27", "04-24", "05-29", "06-26"]),
        ("0 0 * * FRI#2", ["01-09", "02-13", "03-13", "04-10", "05-08", "06-12"]),
        ("0 0 * * MON-FRI", ["01-01", "01-02", "01-05", "01-06", "01-07", "01-08"]),
        ("0 0 * * 7", ["01-04", "01-11", "01-18", "01-25", "02-01", "02-08"]),
        ("@monthly", ["01-01", "02-01", "03-01", "04-01", "05-01", "06-01"]),
        # Both named: cron's OR. One begins with *: both have to fit.
        ("0 0 13 * 5", ["01-02", "01-09", "01-13", "01-16", "01-23", "01-30"]),
        ("0 0 */2 * 1", ["01-05", "01-19", "02-09", "02-23", "03-09", "03-23"]),
    ],
)
def test_dates(cron: str, expected: list[str]) -> None:
    assert days(cron, len(expected)) == expected


def test_the_last_of_february_in_a_leap_year() -> None:
    assert days("0 0 L 2 *", 1, date(2028, 1, 1)) == ["02-29"]


def test_times() -> None:
    found = of_cron("*/20 1-3,22 * JAN-MAR ?")
    assert (sorted(found.minutes), sorted(found.hours)) == ([0, 20, 40], [1, 2, 3, 22])
    assert {month for rule in found.dates for month in rule.months} == {1, 2, 3}


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 0 31 2 *", "never fires: no month has such a day"),
        ("0 0 30 FEB *", "never fires"),
        ("*/0 * * * *", "after / a number from 1 on is expected"),
        ("61 * * * *", "minute 61 is not between 0 and 59"),
        ("* * *", "has 3 fields; five are expected"),
        ("0 0 0 * * *", "has 6 fields"),
        ("", "has 0 fields"),
        ("0 0 * * 5#6", "after # a number from 1 to 5"),
        ("0 0 L-28 * *", "at most L-27"),
        ("0 22-4 * * *", "write 22-23,0-4"),
        ("x * * * *", "minute 'x' is none"),
        ("0 0 * FOO *", "month 'FOO' is none; a number from 1 to 12 or JAN"),
        ("1,,2 * * * *", "minute '' is none"),
        ("@every 5m", 'write every = "90m"'),
        ("0 0 99W * *", "day of month 99 is not between 1 and 31"),
    ],
)
def test_what_is_no_cron_says_what_is_wrong(cron: str, said: str) -> None:
    with pytest.raises(ScheduleMistake) as caught:
        of_cron(cron)
    assert caught.value.field == "cron"
    assert said in str(caught.value)


def test_a_calendar_wants_all_its_fields() -> None:
    found = of_calendar(Calendar(weekday="FRI", day="13", hour="9"))
    (rule,) = found.dates
    assert rule.fits(date(2026, 2, 13))
    assert not rule.fits(date(2026, 1, 13))
    with pytest.raises(ScheduleMistake, match=r"on: .*never fires"):
        of_calendar(Calendar(month="2", day="30"))


numbers = st.frozensets(st.integers(0, 59), min_size=1)


@given(numbers)
def test_ranges_are_the_same_numbers(given_: frozenset[int]) -> None:
    found = {n for one in ranges(given_) for n in range(one.start, one.end + 1, one.step)}
    assert found == given_


@given(numbers, st.frozensets(st.integers(0, 6), min_size=1))
def test_what_is_sent_is_read_as_it_was(minutes: frozenset[int], weekdays: frozenset[int]) -> None:
    rule = DateRule(weekdays=weekdays)
    calendar = NativeCalendar(
        frozenset({0}), minutes, frozenset({6}), rule.days, rule.months, rule.weekdays
    )
    spec = NativeSpec(frozenset({calendar}), time_zone="Europe/Berlin")
    assert from_proto(to_proto(spec)) == spec
