"""The schedule ledger, as the monitor alone keeps it: each schedule whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select, text

from musterwerk.store.database import Store
from musterwerk.store.dialects import insert
from musterwerk.store.ledger_rows import (
    UNJUDGED,
    Entry,
    FireRow,
    IncidentRow,
    ScheduleRow,
    StandRow,
    WatchRow,
    read_incident,
)
from musterwerk.store.ledger_writing import fires_at, portions, write_entry
from musterwerk.store.schedule_tables import OPEN, fires, incidents, schedules, stands, watch


class LedgerTable:
    def __init__(self, store: Store) -> None:
        self.store = store

    def known(self) -> dict[str, ScheduleRow]:
        """Those that have not gone, or of which a run goes on still."""
        busy = select(fires.c.schedule).where(text(OPEN))
        query = select(schedules).where(schedules.c.gone_at.is_(None) | schedules.c.name.in_(busy))
        with self.store.read() as connection:
            return {row["name"]: ScheduleRow(**row) for row in _all(connection, query)}

    def stands(self, since: Mapping[str, datetime]) -> dict[str, list[StandRow]]:
        """Of each schedule those that counted at some time from then on, earliest first."""
        found: dict[str, list[StandRow]] = {name: [] for name in since}
        for name, one in self._of(stands, StandRow, list(since), stands.c.since):
            found[name].append(one)
        return {name: _from(several, since[name]) for name, several in found.items()}

    def open_fires(self) -> dict[str, list[FireRow]]:
        """Those that wait for a run or for its end, earliest first."""
        query = select(fires).where(text(OPEN))
        found: dict[str, list[FireRow]] = {}
        with self.store.read() as connection:
            for row in _all(connection, query.order_by(fires.c.schedule, fires.c.due)):
                found.setdefault(row["schedule"], []).append(FireRow(**row))
        return found

    def fires_at(self, keys: Iterable[tuple[str, datetime]]) -> list[FireRow]:
        with self.store.read() as connection:
            return list(fires_at(connection, keys))

    def open_incidents(self) -> dict[str, IncidentRow]:
        """By schedule; but for those of `unjudged`."""
        return self._open_incidents(incidents.c.verdict != UNJUDGED)

    def unjudged(self) -> dict[str, IncidentRow]:
        """The open incidents of schedules that cannot be judged."""
        return self._open_incidents(incidents.c.verdict == UNJUDGED)

    def _open_incidents(self, which: ColumnElement[bool]) -> dict[str, IncidentRow]:
        query = select(incidents).where(incidents.c.closed_at.is_(None), which)
        with self.store.read() as connection:
            return {row["schedule"]: read_incident(row) for row in _all(connection, query)}

    def watched(self) -> WatchRow | None:
        with self.store.read() as connection:
            row = next(iter(_all(connection, select(watch))), None)
        if row is None:
            return None
        return WatchRow(**{name: value for name, value in row.items() if name != "id"})

    def note_watch(self, row: WatchRow) -> None:
        with self.store.begin() as connection:
            new = insert(connection, watch).values(id=1, **vars(row))
            connection.execute(new.on_conflict_do_update(index_elements=["id"], set_=vars(row)))

    def write(self, entries: Sequence[Entry]) -> None:
        with self.store.begin() as connection:
            for entry in entries:
                write_entry(connection, entry)

    def _of(
        self, table: Table, kind: type[StandRow], names: list[str], order: Any
    ) -> Iterator[tuple[str, StandRow]]:
        with self.store.read() as connection:
            for some in portions(names):
                query = select(table).where(table.c.schedule.in_(some)).order_by(order)
                for row in _all(connection, query):
                    yield row["schedule"], kind(**row)


def _from(several: list[StandRow], since: datetime) -> list[StandRow]:
    """The last one before then counted still."""
    before = [at for at, one in enumerate(several) if one.since <= since]
    return several[before[-1] if before else 0 :]


def _all(connection: Connection, query: Any) -> Iterator[dict[str, Any]]:
    for row in connection.execute(query).mappings():
        yield dict(row)
