"""Reading the schedule ledger by spans of time: what became of due times, and which lie ahead.

Quick however many there are: what is asked of all schedules comes from counts per quarter of an
hour, and single due times only of spans that have few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Join,
    Select,
    Table,
    func,
    literal,
    select,
    true,
    union_all,
)

from musterwerk.store.schedule_tables import coming, fire_counts, fires, schedules
from musterwerk.store.tables import UtcDateTime

#: How a due time that lies ahead is counted.
COMING = "coming"
#: What somebody should look at, the worst first.
TROUBLES = ("failed", "missed", "dropped", "late")
#: So many are read for some names: one schedule may fail every minute.
_LOOKED_AT = 30


@dataclass(frozen=True)
class Span:
    """From `start` until before `end`; both on a quarter of an hour, as days and hours are in
    every time zone of today."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Wanted:
    """Whose due times; None leaves nothing out. What is ahead is so from `now` on: the moment of
    the monitor's last look."""

    now: datetime
    owner: str | None = None
    schedule: str | None = None


@dataclass(frozen=True)
class Trouble:
    """`count` is of the latest that were looked at."""

    schedule: str
    verdict: str
    count: int


@dataclass(frozen=True)
class DueTime:
    schedule: str
    due: datetime
    verdict: str


@dataclass
class Seen:
    """What there is in a span."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    dues: list[DueTime] = field(default_factory=list[DueTime])

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def unnamed(self) -> int:
        """Of what went wrong so many are in no `troubles`."""
        wrong = sum(self.counts.get(verdict, 0) for verdict in TROUBLES)
        return wrong - sum(one.count for one in self.troubles)


def counted(connection: Connection, spans: Sequence[Span], wanted: Wanted) -> list[Seen]:
    """For each span how many of each verdict, and how many are coming."""
    found = [Seen() for _ in spans]
    if not spans:
        return found
    past = _counts_of_one if wanted.schedule is not None else _counts_of_all
    for number, verdict, count in connection.execute(past(_table(spans), wanted)):
        if count:
            found[number].counts[verdict] = int(count)
    # What has been is not ahead.
    later = [(at, span) for at, span in enumerate(spans) if span.end > wanted.now]
    if later:
        numbers = [at for at, _ in later]
        query = _coming(_table([span for _, span in later]), wanted)
        for number, count in connection.execute(query):
            found[numbers[number]].counts[COMING] = int(count)
    return found


def add_troubles(
    connection: Connection, spans: Sequence[Span], seen: Sequence[Seen], wanted: Wanted, most: int
) -> None:
    """The names of what went wrong, `most` for each span: the worst, and of those the latest."""
    for span, one in zip(spans, seen, strict=True):
        for verdict in TROUBLES:
            if one.counts.get(verdict) and len(one.troubles) < most:
                names = Counter(_latest(connection, span, verdict, wanted))
                found = [Trouble(name, verdict, count) for name, count in names.items()]
                one.troubles += found[: most - len(one.troubles)]


def _latest(connection: Connection, span: Span, verdict: str, wanted: Wanted) -> Iterable[str]:
    of = fires.c
    query = (
        select(of.schedule)
        .where(of.verdict == verdict, of.due >= span.start, of.due < span.end)
        .where(*_only(of.schedule, of.owner, wanted))
        .order_by(of.due.desc(), of.schedule)
    )
    return connection.execute(query.limit(_LOOKED_AT)).scalars()


def add_dues(
    connection: Connection, spans: Sequence[Span], seen: Sequence[Seen], wanted: Wanted, most: int
) -> None:
    """Each due time by itself, where a span has no more than so many."""
    few = [at for at, one in enumerate(seen) if 0 < one.total <= most]
    if not few:
        return
    span = _table([spans[at] for at in few])
    of = fires.c
    past = (
        select(span.c.number, of.schedule, of.due, of.verdict)
        .select_from(_first(span, fires))
        .where(of.due >= span.c.start, of.due < span.c.end)
        .where(*_only(of.schedule, of.owner, wanted))
    )
    ahead = (
        select(span.c.number, coming.c.schedule, coming.c.due, literal(COMING).label("verdict"))
        .select_from(_first(span, coming))
        .where(coming.c.due >= span.c.start, coming.c.due < span.c.end, coming.c.due > wanted.now)
        .where(*_only(coming.c.schedule, None, wanted))
    )
    for row in (*connection.execute(past), *connection.execute(ahead)):
        seen[few[int(row.number)]].dues.append(DueTime(row.schedule, row.due, row.verdict))
    for at in few:
        seen[at].dues.sort(key=lambda one: (one.due, one.schedule))


def _counts_of_all(span: CTE, wanted: Wanted) -> Select[int, str, int]:
    of = fire_counts.c
    query = (
        select(span.c.number, of.verdict, func.sum(fire_counts.c["count"]))
        .select_from(_first(span, fire_counts))
        .where(of.slot >= span.c.start, of.slot < span.c.end)
        .group_by(span.c.number, of.verdict)
    )
    return query if wanted.owner is None else query.where(of.owner == wanted.owner)


def _counts_of_one(span: CTE, wanted: Wanted) -> Select[int, str, int]:
    of = fires.c
    return (
        select(span.c.number, of.verdict, func.count())
        .select_from(_first(span, fires))
        .where(of.due >= span.c.start, of.due < span.c.end)
        .where(*_only(of.schedule, of.owner, wanted))
        .group_by(span.c.number, of.verdict)
    )


def _coming(span: CTE, wanted: Wanted) -> Select[int, int]:
    of = coming.c
    return (
        select(span.c.number, func.count())
        .select_from(_first(span, coming))
        .where(of.due >= span.c.start, of.due < span.c.end, of.due > wanted.now)
        .where(*_only(of.schedule, None, wanted))
        .group_by(span.c.number)
    )


def _only(
    name: ColumnElement[str], owner: ColumnElement[str] | None, wanted: Wanted
) -> Iterable[ColumnElement[bool]]:
    """`owner` None: as it is today."""
    if wanted.schedule is not None:
        yield name == wanted.schedule
    if wanted.owner is not None and owner is not None:
        yield owner == wanted.owner
    elif wanted.owner is not None:
        yield name.in_(select(schedules.c.name).where(schedules.c.owner == wanted.owner))


def _first(span: CTE, table: Table) -> Join:
    """For every span its part of the table: never the table once for every span."""
    return span.join(table, true())


def _table(spans: Sequence[Span]) -> CTE:
    kind = UtcDateTime()
    rows = [
        select(
            literal(number).label("number"),
            literal(span.start, kind).label("start"),
            literal(span.end, kind).label("end"),
        )
        for number, span in enumerate(spans)
    ]
    return union_all(*rows).cte("span")
