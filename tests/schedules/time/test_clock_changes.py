"""What is meant where clocks change, what the server makes of it, and what is done about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from musterwerk.schedules import Schedule, When, at, cron, every
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.preview import preview
from musterwerk.schedules.server_rules import fires

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ZONES = [
    "Europe/Berlin",
    "Europe/London",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/New_York",
    "Asia/Kathmandu",
    "America/Santiago",
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Beirut",
    "America/St_Johns",
]
CRONS = ["30 2 * * *", "0 0 * * *", "*/20 1-4 * * *", "30 * * * 1", "15 23,0 * * *", "5 * * * *"]


def local(found: list[datetime], zone: str) -> list[str]:
    return [f"{one.astimezone(ZoneInfo(zone)):%m-%d %H:%M%z}" for one in found]


def test_the_server_loses_eight_quarters_of_an_hour_in_berlin() -> None:
    """People who run something every 15 minutes find out in November, or never."""
    when = cron("*/15 * * * *", tz="Europe/Berlin")
    found = preview(when, datetime(2026, 10, 24, 22, tzinfo=UTC), 100)
    assert all(one.meant for one in found)
    lost = [f"{one.due_local:%d %H:%M%z}" for one in found if not one.will_happen]
    assert lost == [
        "25 02:15+0200",
        "25 02:30+0200",
        "25 02:45+0200",
        "25 02:00+0100",
        "25 02:30+0100",
        "25 02:45+0100",
        "25 03:00+0100",
        "25 03:15+0100",
    ]
    assert all("clock change" in one.note for one in found if not one.will_happen)
    kept = preview(
        when.model_copy(update={"dst": "once"}), datetime(2026, 10, 24, 22, tzinfo=UTC), 100
    )
    assert [one.due_utc for one in kept] == [one.due_utc for one in found]
    assert all(one.will_happen for one in kept)


@pytest.mark.parametrize(
    ("text", "zone", "day", "expected"),
    [
        # Gap 02:00-03:00: right after it. The hour that comes twice: the first time.
        ("30 2 * * *", "Europe/Berlin", date(2027, 3, 28), ["03-28 03:00+0200"]),
        ("30 2 * * *", "Europe/Berlin", date(2027, 10, 31), ["10-31 02:30+0200"]),
        ("30 1 * * *", "Europe/London", date(2027, 3, 28), ["03-28 02:00+0100"]),
        ("30 2 * * *", "America/New_York", date(2027, 3, 14), ["03-14 03:00-0400"]),
        ("30 1 * * *", "America/New_York", date(2027, 11, 7), ["11-07 01:30-0400"]),
        ("30 2 * * *", "Australia/Sydney", date(2027, 10, 3), ["10-03 03:00+1100"]),
        # Half an hour: 02:00-02:30 is left out, 01:30-02:00 comes twice.
        ("15 2 * * *", "Australia/Lord_Howe", date(2027, 10, 3), ["10-03 02:30+1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", date(2027, 4, 4), ["04-04 01:45+1100"]),
        # Midnight itself is left out.
        ("0 0 * * *", "America/Havana", date(2027, 3, 14), ["03-14 01:00-0400"]),
        # Twice within the gap is once after it.
        ("15,45 2 * * *", "Europe/Berlin", date(2027, 3, 28), ["03-28 03:00+0200"]),
    ],
)
def test_once_is_once(text: str, zone: str, day: date, expected: list[str]) -> None:
    when = cron(text, tz=zone, dst="once")
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    span = start - timedelta(seconds=1), start + timedelta(hours=22)
    assert local(list(meant(when, *span)), zone) == expected
    assert local(list(fires(compile_when(when, NOW).spec, *span)), zone) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_once_through_two_years(zone: str) -> None:
    """By the server's own rules; that they are its own is tested beside it."""
    span = NOW, datetime(2028, 12, 31, tzinfo=UTC)
    for text in CRONS:
        when = cron(text, tz=zone, dst="once")
        assert list(fires(compile_when(when, NOW).spec, *span)) == list(meant(when, *span)), text


def test_without_clock_changes_nothing_is_spelled_out() -> None:
    found = compile_when(cron("30 2 * * *", tz="Asia/Kathmandu", dst="once"), NOW)
    assert found.complete_until is None
    assert not found.spec.intervals


def test_business_days_leave_out_weekends_and_holidays() -> None:
    when = cron("0 9 * * *", tz="Europe/Berlin", business_days="DE-BY")
    span = datetime(2026, 12, 23, tzinfo=UTC), datetime(2027, 1, 8, tzinfo=UTC)
    expected = ["12-23", "12-24", "12-28", "12-29", "12-30", "12-31", "01-04", "01-05", "01-07"]
    compiled = compile_when(when, NOW)
    for found in (meant(when, *span), fires(compiled.spec, *span)):
        assert [f"{one:%m-%d}" for one in found] == expected
    assert compiled.complete_until == datetime(2029, 1, 1, tzinfo=UTC)


def test_exclusions_are_for_intervals_too() -> None:
    when = every("6h", exclude=[date(2026, 12, 24)], business_days="DE")
    span = datetime(2026, 12, 23, 12, tzinfo=UTC), datetime(2026, 12, 28, 1, tzinfo=UTC)
    found = list(meant(when, *span))
    assert found == list(fires(compile_when(when, NOW).spec, *span))
    assert [f"{one:%d %H}" for one in found] == ["23 18", "28 00"]


def test_one_shots_happen_once() -> None:
    """Their interval comes again after half a century: by then the schedule is over."""
    moments = [datetime(2026, 12, 24, 18, tzinfo=UTC), datetime(2080, 12, 31, tzinfo=UTC)]
    when = at(*moments)
    span = NOW, datetime(2100, 12, 31, tzinfo=UTC)
    assert list(fires(compile_when(when, NOW).spec, *span)) == moments


@pytest.mark.parametrize(
    ("when", "field"),
    [
        (When(), "cron"),
        (cron("0 6 * * *", tz="Europe/Bielefeld"), "time_zone"),
        (cron("0 6 * * *", business_days="DE-XX"), "business_days"),
        (When.model_validate({"every": 0.5}), "every"),
        (every("5m", phase="6m"), "phase"),
        (cron("* 1-23 * * *", tz="Europe/Berlin", dst="once"), "dst"),
        (
            cron(
                "0 6 * * *",
                start=datetime(2027, 1, 1, tzinfo=UTC),
                end=datetime(2026, 1, 1, tzinfo=UTC),
            ),
            "end",
        ),
    ],
)
def test_what_cannot_be_names_its_field(when: When, field: str) -> None:
    with pytest.raises(ScheduleMistake) as caught:
        compile_when(when, NOW)
    assert caught.value.field == field


def test_a_schedule_is_plain_json_and_comes_back() -> None:
    one = Schedule("daily", "Report", task_queue="q", when=cron("0 6 * * *"), grace="15m")
    assert Schedule.read(one.as_json()) == one
