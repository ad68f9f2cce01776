"""What is new of one schedule, written into the ledger; its counts are kept with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, delete, select, tuple_

from musterwerk.store.dialects import insert
from musterwerk.store.ledger_metrics import bucket_of
from musterwerk.store.ledger_rows import Entry, FireRow
from musterwerk.store.schedule_tables import (
    coming,
    fire_counts,
    fires,
    incidents,
    lateness,
    schedules,
    stands,
)

#: Calendars of every zone can be added up from these.
SLOT_SECONDS = 900
_MANY = 500
T = TypeVar("T")


def write_entry(connection: Connection, entry: Entry) -> None:
    _upsert(connection, schedules, [vars(entry.schedule)], ["name"])
    _upsert(connection, stands, [vars(one) for one in entry.stands], ["schedule", "since"])
    if entry.fires:
        keys = [(one.schedule, one.due) for one in entry.fires]
        before = {(one.schedule, one.due): one for one in fires_at(connection, keys)}
        _count(connection, entry, before)
        _count_late(connection, entry, before)
        _upsert(connection, fires, [vars(one) for one in entry.fires], ["schedule", "due"])
    several = [vars(one) | {"told_to": list(one.told_to)} for one in entry.incidents]
    _upsert(connection, incidents, several, ["id"])
    if entry.coming is not None:
        name = entry.schedule.name
        connection.execute(delete(coming).where(coming.c.schedule == name))
        rows = [{"schedule": name, "due": due} for due in entry.coming]
        _upsert(connection, coming, rows, ["schedule", "due"])


def _count(
    connection: Connection, entry: Entry, before: Mapping[tuple[str, datetime], FireRow]
) -> None:
    changes = Counter[tuple[datetime, str, str]]()
    for one in entry.fires:
        was = before.get((one.schedule, one.due))
        if was is not None:
            changes[slot_of(one.due), was.owner, was.verdict] -= 1
        changes[slot_of(one.due), one.owner, one.verdict] += 1
    rows = [
        {"slot": slot, "owner": owner, "verdict": verdict, "count": count}
        for (slot, owner, verdict), count in sorted(changes.items())
        if count
    ]
    for row in rows:
        new = insert(connection, fire_counts).values(row)
        added = fire_counts.c.count + new.excluded["count"]
        keys = ["slot", "owner", "verdict"]
        connection.execute(new.on_conflict_do_update(index_elements=keys, set_={"count": added}))


def _count_late(
    connection: Connection, entry: Entry, before: Mapping[tuple[str, datetime], FireRow]
) -> None:
    """Once for each due time, when it is known that its run has begun."""
    for one in entry.fires:
        was = before.get((one.schedule, one.due))
        late = _late_for_sure(one)
        if late is None or (was is not None and _late_for_sure(was) is not None):
            continue
        seconds = late.total_seconds()
        values = {"bucket": bucket_of(seconds), "count": 1, "milliseconds": int(seconds * 1000)}
        new = insert(connection, lateness).values(values)
        added = {
            "count": lateness.c.count + 1,
            "milliseconds": lateness.c.milliseconds + new.excluded.milliseconds,
        }
        connection.execute(new.on_conflict_do_update(index_elements=["bucket"], set_=added))


def _late_for_sure(one: FireRow) -> timedelta | None:
    """A run that goes on may wait for a worker yet."""
    return None if one.status == "Running" and one.begun_at is None else one.lateness


def slot_of(due: datetime) -> datetime:
    seconds = int(due.timestamp())
    return datetime.fromtimestamp(seconds - seconds % SLOT_SECONDS, UTC)


def _upsert(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], keys: list[str]
) -> None:
    if not rows:
        return
    new = insert(connection, table)
    others = {name: new.excluded[name] for name in rows[0] if name not in keys}
    done = (
        new.on_conflict_do_update(index_elements=keys, set_=others)
        if others
        else new.on_conflict_do_nothing()
    )
    connection.execute(done, list(rows))


def fires_at(connection: Connection, keys: Iterable[tuple[str, datetime]]) -> Iterator[FireRow]:
    for some in portions(list(keys)):
        query = select(fires).where(tuple_(fires.c.schedule, fires.c.due).in_(some))
        for row in connection.execute(query).mappings():
            yield FireRow(**row)


def portions(several: list[T]) -> Iterator[list[T]]:
    for first in range(0, len(several), _MANY):
        yield several[first : first + _MANY]
