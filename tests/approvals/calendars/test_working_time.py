"""Deadlines in working time: what an approver in an office would expect, and over clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musterwerk.approvals.calendars import working_time as module
from musterwerk.approvals.calendars.working_time import WorkingTime, working_time
from musterwerk.approvals.policy import Calendar
from musterwerk.errors import UsageError

BAVARIA = Calendar(region="DE-BY")
BERLIN = Calendar(region="DE-BE")
NEW_YORK = Calendar(region="US-NY", zone="America/New_York")
NIGHTS = Calendar(region="DE", opens=time(0), closes=time(23, 59), weekdays=(0, 1, 2, 3, 4, 5, 6))
NIGHTS_THERE = NIGHTS.model_copy(update={"region": "US", "zone": "America/New_York"})


def later(calendar: Calendar, start: str, **duration: int) -> str:
    """From one time on the calendar's clock to another."""
    zone = ZoneInfo(calendar.zone or "Europe/Berlin")
    begin = datetime.fromisoformat(start).replace(tzinfo=zone)
    end = working_time(calendar).after(begin, timedelta(**duration))
    assert end.tzinfo is UTC
    return end.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("calendar", "start", "duration", "end"),
    [
        # An ordinary weekend.
        (BAVARIA, "2026-07-03 16:00", {"days": 1}, "2026-07-06 16:00"),
        (BAVARIA, "2026-07-03 16:00", {"hours": 1}, "2026-07-03 17:00"),
        (BAVARIA, "2026-07-03 16:00", {"hours": 2}, "2026-07-06 10:00"),
        (BAVARIA, "2026-07-03 16:00", {"days": 1, "hours": 2}, "2026-07-07 10:00"),
        (BAVARIA, "2026-07-03 16:00", {"hours": 23}, "2026-07-08 15:00"),
        (BAVARIA, "2026-07-03 16:00", {"days": 5}, "2026-07-10 16:00"),
        # At night, at the weekend, at the closing: from the next opening.
        (BAVARIA, "2026-07-02 22:15", {"hours": 1}, "2026-07-03 10:00"),
        (BAVARIA, "2026-07-02 03:00", {"days": 1}, "2026-07-03 09:00"),
        (BAVARIA, "2026-07-04 12:00", {"days": 1}, "2026-07-07 09:00"),
        (BAVARIA, "2026-07-03 17:00", {"minutes": 30}, "2026-07-06 09:30"),
        # 15 August, in 2025 a Friday, is a holiday in Bavaria, not in Berlin.
        (BAVARIA, "2025-08-14 12:00", {"days": 1}, "2025-08-18 12:00"),
        (BERLIN, "2025-08-14 12:00", {"days": 1}, "2025-08-15 12:00"),
        # Women's day is one in Berlin only; in 2027 a Monday.
        (BERLIN, "2027-03-05 12:00", {"days": 1}, "2027-03-09 12:00"),
        (BAVARIA, "2027-03-05 12:00", {"days": 1}, "2027-03-08 12:00"),
        # Christmas 2026: Friday and Saturday; the 24th and 31st are working days. Then New Year.
        (BAVARIA, "2026-12-24 10:00", {"days": 1}, "2026-12-28 10:00"),
        (BAVARIA, "2026-12-24 16:00", {"hours": 2}, "2026-12-28 10:00"),
        (BAVARIA, "2026-12-31 16:00", {"hours": 9}, "2027-01-04 17:00"),
        (BAVARIA, "2026-12-31 10:00", {"days": 3}, "2027-01-07 10:00"),
        # Independence Day on a Saturday is kept on Friday.
        (NEW_YORK, "2026-07-02 12:00", {"days": 1}, "2026-07-06 12:00"),
        # The clocks change over the weekend: the time of day stays.
        (BAVARIA, "2026-03-27 16:00", {"days": 1}, "2026-03-30 16:00"),
        (BAVARIA, "2026-10-23 16:00", {"days": 1}, "2026-10-26 16:00"),
        (NEW_YORK, "2026-03-06 16:00", {"hours": 2}, "2026-03-09 10:00"),
        (NEW_YORK, "2026-10-30 16:00", {"days": 1}, "2026-11-02 16:00"),
        # Who works at night has an hour less in March, and one more in October.
        (NIGHTS, "2026-03-28 02:30", {"days": 1}, "2026-03-29 03:00"),
        (NIGHTS, "2026-03-28 12:00", {"days": 1}, "2026-03-29 12:00"),
        (NIGHTS, "2026-03-29 01:00", {"hours": 3}, "2026-03-29 05:00"),
        (NIGHTS, "2026-10-25 01:00", {"hours": 3}, "2026-10-25 03:00"),
        (NIGHTS_THERE, "2026-03-07 02:15", {"days": 1}, "2026-03-08 03:00"),
        (NIGHTS_THERE, "2026-11-01 00:30", {"hours": 2}, "2026-11-01 01:30"),
    ],
)
def test_ends_when_people_expect_it(
    calendar: Calendar, start: str, duration: dict[str, int], end: str
) -> None:
    assert later(calendar, start, **duration) == end


def test_a_repeated_hour_means_its_first_pass() -> None:
    start = datetime(2026, 10, 24, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    end = working_time(NIGHTS).after(start, timedelta(days=1))
    assert end == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_without_a_calendar_all_time_counts() -> None:
    start = datetime(2026, 3, 28, 23, tzinfo=ZoneInfo("Europe/Berlin"))
    end = WorkingTime().after(start, timedelta(days=1, hours=2))
    assert end == datetime(2026, 3, 30, 0, tzinfo=UTC)
    assert end.tzinfo is UTC


def test_a_country_whose_zones_show_the_same_time_needs_no_zone() -> None:
    start = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert WorkingTime(BAVARIA).after(start, timedelta(hours=1)) == start + timedelta(hours=1)
    with pytest.raises(UsageError, match="such as US-CA@America/New_York"):
        WorkingTime(Calendar(region="US-CA"))


def test_a_year_without_a_working_day_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    sundays = Calendar(region="DE", weekdays=(6,))

    def closed(_region: str, year: int) -> set[date]:
        return {date(2027, 1, 3) + timedelta(weeks=n) for n in range(52)} if year == 2027 else set()

    monkeypatch.setattr(module, "public_holidays", closed)
    with pytest.raises(UsageError, match=r"no working day in 2027.*add weekdays"):
        WorkingTime(sundays).after(datetime(2026, 7, 1, tzinfo=UTC), timedelta(days=60))


CALENDARS = st.sampled_from([BAVARIA, NEW_YORK, Calendar(region="IN", weekdays=(0, 2, 5))])
STARTS = st.integers(0, 6 * 365 * 86_400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
DAYS = st.integers(0, 60).map(lambda days: timedelta(days=days))
HOURS = st.integers(1, 86_399).map(lambda seconds: timedelta(seconds=seconds))


@given(CALENDARS, STARTS, STARTS, DAYS, HOURS)
def test_what_starts_later_ends_no_earlier(
    calendar: Calendar, one: datetime, other: datetime, days: timedelta, rest: timedelta
) -> None:
    after = working_time(calendar).after
    early, late = sorted((one, other))
    assert after(early, days + rest) <= after(late, days + rest)


@given(CALENDARS, STARTS, DAYS, HOURS, HOURS)
def test_what_takes_longer_ends_no_earlier(
    calendar: Calendar, start: datetime, days: timedelta, one: timedelta, other: timedelta
) -> None:
    after = working_time(calendar).after
    short, long = sorted((one, other))
    assert start <= after(start, days + short) <= after(start, days + long)
    assert after(start, days + timedelta(days=1)) >= after(start, days + timedelta(0))


@given(CALENDARS, STARTS, DAYS, HOURS)
def test_ends_in_working_time(
    calendar: Calendar, start: datetime, days: timedelta, rest: timedelta
) -> None:
    zone = ZoneInfo(calendar.zone or {"IN": "Asia/Kolkata"}.get(calendar.region, "Europe/Berlin"))
    end = working_time(calendar).after(start, days + rest).astimezone(zone)
    assert calendar.opens <= end.time() <= calendar.closes
    assert end.weekday() in calendar.weekdays


@given(CALENDARS, STARTS, HOURS, HOURS)
def test_hours_add_up(
    calendar: Calendar, start: datetime, one: timedelta, other: timedelta
) -> None:
    both = one + other
    if both < timedelta(days=1):
        after = working_time(calendar).after
        assert after(after(start, one), other) == after(start, both)
