"""A time zone as its clock changes, and local times as Temporal's server reads them. Pure.

Seconds since 1970 in UTC throughout; local seconds are those plus the offset.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from musterwerk.schedules.mistakes import ScheduleMistake

DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_FIRST, _LAST = datetime(1999, 12, 1, tzinfo=UTC), datetime(2101, 2, 1, tzinfo=UTC)


class Zone:
    """`changes` are the moments at which its offset changes, and `offsets` those after each."""

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self.info = ZoneInfo(name)
        except (KeyError, OSError, ValueError):
            raise ScheduleMistake(
                "time_zone",
                f"there is no time zone {name!r}; an IANA name such as Europe/Berlin is expected",
            ) from None
        self.changes, self.offsets = _changes(self.info)

    def offset(self, at: int) -> int:
        return self.offsets[bisect_right(self.changes, at)]

    def clock(self, at: int) -> tuple[date, int]:
        """The local date and the seconds since its midnight."""
        days, seconds = divmod(at + self.offset(at), DAY)
        return date.fromordinal(days + _EPOCH), seconds

    def moment(self, day: int, seconds: int) -> int:
        """As Go's `time.Date`, which Temporal uses: for a local time that comes twice or never it
        is one of two moments, and which one depends on the side of Greenwich. `day` is an ordinal.
        """
        local = (day - _EPOCH) * DAY + seconds
        offset = self.offset(local)
        return local - self.offset(local - offset) if offset else local

    def moments(self, day: int, seconds: int) -> tuple[int, ...]:
        """All moments at which the clock shows it: one, two, or none in a gap."""
        local = (day - _EPOCH) * DAY + seconds
        around = {self.offset(local - DAY), self.offset(local), self.offset(local + DAY)}
        return tuple(sorted(local - one for one in around if self.offset(local - one) == one))

    def after_gap(self, day: int, seconds: int) -> int:
        """The moment at which the gap ends in which this local time would be."""
        local = (day - _EPOCH) * DAY + seconds
        at = bisect_right(self.changes, local - self.offset(local - DAY))
        return self.changes[at - 1]

    def offsets_between(self, start: datetime, end: datetime) -> list[int]:
        first = bisect_right(self.changes, int(start.timestamp()))
        last = bisect_right(self.changes, int(end.timestamp()))
        return self.offsets[first : last + 1]

    def is_near_change(self, at: int, within: int) -> bool:
        """Whether its offset changes within so many seconds before or after."""
        return bisect_right(self.changes, at - within) < bisect_right(self.changes, at + within)

    def changes_between(self, start: int, end: int) -> list[int]:
        return [one for one in self.changes if start <= one < end]


@lru_cache(maxsize=512)
def zone(name: str) -> Zone:
    """Raises `ScheduleMistake`."""
    return Zone(name)


def _changes(info: ZoneInfo) -> tuple[list[int], list[int]]:
    """Looked for day by day: no zone changes twice within one."""
    at, changes = _FIRST, list[int]()
    offsets = [_offset(info, at)]
    while at < _LAST:
        then = at + timedelta(days=1)
        if (offset := _offset(info, then)) != offsets[-1]:
            changes.append(_when(info, int(at.timestamp()), int(then.timestamp())))
            offsets.append(offset)
        at = then
    return changes, offsets


def _when(info: ZoneInfo, before: int, after: int) -> int:
    old = _offset(info, datetime.fromtimestamp(before, UTC))
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(info, datetime.fromtimestamp(middle, UTC)) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(info: ZoneInfo, at: datetime) -> int:
    found = at.astimezone(info).utcoffset()
    assert found is not None  # noqa: S101 - aware by construction
    return int(found.total_seconds())
