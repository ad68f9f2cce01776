"""Which time a report is of. Pure.

Days and months are those of the schedule's zone: from midnight to midnight, which are 23 or 25
hours when clocks change. `due - timedelta(days=1)` would count an hour twice, or in no report.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Kind = Literal["daily", "monthly", "since_last"]
Period = tuple[datetime, datetime]
_DAY = timedelta(days=1)


def period(kind: Kind, zone: str, due: datetime, previous: datetime | None) -> Period:
    """In UTC, without its end. `previous` is the due time before; only for `since_last`."""
    where = ZoneInfo(zone)
    today = due.astimezone(where).date()
    if kind == "daily":
        return _midnight(today - _DAY, where), _midnight(today, where)
    if kind == "monthly":
        first = today.replace(day=1)
        return _midnight((first - _DAY).replace(day=1), where), _midnight(first, where)
    if previous is None:
        raise ValueError("nothing was due before: there is no last report")
    return previous.astimezone(UTC), due.astimezone(UTC)


def _midnight(day: date, where: ZoneInfo) -> datetime:
    # The difference of two times of one zone is that of the hands of the clock: count in UTC.
    return datetime(day.year, day.month, day.day, tzinfo=where).astimezone(UTC)
