"""Days and hours of time zones whose clocks do odd things."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from musterwerk.console.days import FIRST, LAST, after, before, days_of, hours_of
from musterwerk.store.ledger_writing import slot_of

ODD = [
    "Europe/Berlin",
    "America/Santiago",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kathmandu",
]


@pytest.mark.parametrize("zone", ODD)
def test_every_moment_is_in_one_hour_of_one_day(zone: str) -> None:
    """At midnight, where some clocks change, a run would be on two days or on none."""
    hours = [
        hour.span
        for month in range(1, 13)
        for day in days_of("month", date(2026, month, 15), zone)
        for hour in hours_of(day, zone)
    ]
    assert all(one.end == two.start for one, two in pairwise(hours))
    assert all(slot_of(one.start) == one.start for one in hours)
    assert hours[-1].end - hours[0].start == timedelta(days=365)


@pytest.mark.parametrize(
    ("day", "zone", "length"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
    ],
)
def test_how_long_days_are(day: date, zone: str, length: float) -> None:
    (found,) = days_of("day", day, zone)
    assert found.length == timedelta(hours=length)
    names = [(one.clock, one.fold) for one in hours_of(found, zone)]
    assert len(names) == len(set(names))


def test_from_one_to_the_next() -> None:
    assert [one.date.day for one in days_of("week", date(2026, 11, 28), "UTC")] == [*range(23, 30)]
    assert after("month", date(2027, 1, 31)) == date(2027, 2, 1)
    assert before("month", date(2027, 1, 31)) == date(2026, 12, 31)
    assert (after("week", LAST), before("day", FIRST)) == (None, None)
