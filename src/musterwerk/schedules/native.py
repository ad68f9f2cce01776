"""What Temporal's server is given and gives back, in one canonical form. Pure.

The server compiles cron strings away, so only calendars with spelled-out fields are sent; two
specs are equal here where they mean the same to the server.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.schedule.v1 import (
    IntervalSpec,
    Range,
    ScheduleSpec,
    StructuredCalendarSpec,
)

from musterwerk.schedules.dates import ALL_DAYS, ALL_MONTHS, ALL_WEEKDAYS

Numbers = frozenset[int]
_FIELDS = ("second", "minute", "hour", "day_of_month", "month", "day_of_week", "year")


@dataclass(frozen=True)
class NativeCalendar:
    """All fields have to fit. No `years` are all years; weekday 0 is Sunday."""

    seconds: Numbers
    minutes: Numbers
    hours: Numbers
    days: Numbers = ALL_DAYS
    months: Numbers = ALL_MONTHS
    weekdays: Numbers = ALL_WEEKDAYS
    years: Numbers = frozenset()

    def sets(self) -> tuple[Numbers, ...]:
        return (
            self.seconds,
            self.minutes,
            self.hours,
            self.days,
            self.months,
            self.weekdays,
            self.years,
        )


@dataclass(frozen=True, order=True)
class NativeInterval:
    """Whole seconds, counted from 1970 and shifted by the phase."""

    every: int
    phase: int = 0


@dataclass(frozen=True)
class NativeSpec:
    calendars: frozenset[NativeCalendar] = frozenset()
    intervals: frozenset[NativeInterval] = frozenset()
    excludes: frozenset[NativeCalendar] = frozenset()
    time_zone: str = "UTC"
    jitter: timedelta = timedelta(0)
    start: datetime | None = None
    end: datetime | None = None

    def limited(self, start: datetime | None, end: datetime | None) -> NativeSpec:
        return replace(self, start=start, end=end)


def once(at: int) -> NativeInterval:
    """An interval as long as the moment is from 1970: it comes then, and again after as long, which
    is after 2083. A phase would not do: the server never fires at one that lies ahead."""
    return NativeInterval(at)


def to_proto(spec: NativeSpec) -> ScheduleSpec:
    found = ScheduleSpec(
        structured_calendar=[_calendar(one) for one in _ordered(spec.calendars)],
        exclude_structured_calendar=[_calendar(one) for one in _ordered(spec.excludes)],
        interval=[
            IntervalSpec(interval=Duration(seconds=one.every), phase=Duration(seconds=one.phase))
            for one in sorted(spec.intervals)
        ],
        timezone_name=spec.time_zone,
    )
    if spec.jitter:
        found.jitter.FromTimedelta(spec.jitter)
    if spec.start:
        found.start_time.FromDatetime(spec.start)
    if spec.end:
        found.end_time.FromDatetime(spec.end)
    return found


def from_proto(given: ScheduleSpec) -> NativeSpec:
    """Only of what the server describes: there no cron strings are left."""
    return NativeSpec(
        calendars=frozenset(map(_read, given.structured_calendar)),
        intervals=frozenset(
            NativeInterval(_seconds(one.interval), _seconds(one.phase)) for one in given.interval
        ),
        excludes=frozenset(map(_read, given.exclude_structured_calendar)),
        time_zone=given.timezone_name or "UTC",
        jitter=given.jitter.ToTimedelta(),
        start=_moment(given, "start_time"),
        end=_moment(given, "end_time"),
    )


def _moment(given: ScheduleSpec, name: str) -> datetime | None:
    found: Timestamp = getattr(given, name)
    return found.ToDatetime(tzinfo=UTC) if given.HasField(name) else None  # pyright: ignore[reportArgumentType]


def _seconds(given: Duration) -> int:
    return int(given.ToTimedelta().total_seconds())


def _calendar(given: NativeCalendar) -> StructuredCalendarSpec:
    found = StructuredCalendarSpec()
    for name, numbers in zip(_FIELDS, given.sets(), strict=True):
        getattr(found, name).extend(ranges(numbers))
    return found


def _read(given: StructuredCalendarSpec) -> NativeCalendar:
    return NativeCalendar(*(_numbers(name, getattr(given, name)) for name in _FIELDS))


def _numbers(name: str, given: Iterable[Range]) -> Numbers:
    found = frozenset(
        number
        for one in given
        for number in range(one.start, max(one.start, one.end) + 1, one.step or 1)
    )
    return frozenset(number % 7 for number in found) if name == "day_of_week" else found


def ranges(given: Numbers) -> Iterable[Range]:
    """As few as there are runs of equal steps."""
    left = sorted(given)
    while left:
        step = left[1] - left[0] if len(left) > 1 else 1
        count = 1
        while count < len(left) and left[count] - left[count - 1] == step:
            count += 1
        if count == 2 and step > 1:
            count = 1  # 5 and 9 are two numbers, and no span
        yield Range(start=left[0], end=left[count - 1], step=step if count > 1 else 1)
        left = left[count:]


def _ordered(given: Iterable[NativeCalendar]) -> list[NativeCalendar]:
    return sorted(given, key=lambda one: tuple(sorted(part) for part in one.sets()))
