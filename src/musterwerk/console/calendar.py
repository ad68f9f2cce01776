"""What a calendar shows of schedules: its days or their hours, and what there is in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from musterwerk.console.days import Day, Hour, View, days_of, hours_of
from musterwerk.console.services import Services
from musterwerk.store.calendar import Seen, Span, Wanted, add_dues, add_troubles, counted
from musterwerk.store.ledger_rows import WatchRow
from musterwerk.store.schedule_pages import owners, watched

#: So many names or due times are shown in one cell.
_NAMES = 3
_DUES: dict[View, int] = {"day": 12, "week": 3, "month": 0}


@dataclass(frozen=True)
class Shown:
    """`hours` are those of each day; none where whole days are shown. What was due up to `as_of` is
    in the ledger."""

    days: list[Day]
    seen: list[Seen]
    hours: list[list[tuple[Hour, Seen]]]
    owners: list[str]
    watch: WatchRow | None
    as_of: datetime


def read_calendar(
    services: Services,
    view: View,
    day: date,
    zone: str,
    *,
    owner: str | None = None,
    schedule: str | None = None,
) -> Shown:
    days = days_of(view, day, zone)
    hours = [] if view == "month" else [list(hours_of(one, zone)) for one in days]
    spans = [hour.span for one in hours for hour in one] or [one.span for one in days]
    with services.store.read() as connection:
        watch = watched(connection)
        as_of = watch.good_until if watch and watch.good_until else services.now()
        wanted = Wanted(as_of, owner, schedule)
        seen = counted(connection, spans, wanted)
        if most := _DUES[view]:
            add_dues(connection, spans, seen, wanted, most)
        add_troubles(connection, *_large(spans, seen), wanted, _NAMES)
        known = owners(connection)
    if not hours:
        return Shown(days, seen, [], known, watch, as_of)
    left = iter(seen)
    filled = [[(hour, next(left)) for hour in one] for one in hours]
    return Shown(days, [_sum(one) for one in filled], filled, known, watch, as_of)


def _large(spans: list[Span], seen: list[Seen]) -> tuple[list[Span], list[Seen]]:
    """Those whose due times are not shown one by one."""
    chosen = [at for at, one in enumerate(seen) if not one.dues]
    return [spans[at] for at in chosen], [seen[at] for at in chosen]


def _sum(hours: list[tuple[Hour, Seen]]) -> Seen:
    found = Seen()
    for _, one in hours:
        for verdict, count in one.counts.items():
            found.counts[verdict] = found.counts.get(verdict, 0) + count
    return found
