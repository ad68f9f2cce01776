"""Writing the schedule ledger: by the monitor alone, each schedule whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, delete, select, text, tuple_, update

from musterwerk.store.database import Store
from musterwerk.store.dialects import insert
from musterwerk.store.ledger_metrics import bucket_of
from musterwerk.store.schedule_tables import (
    OPEN,
    coming,
    fire_counts,
    fires,
    incident_alerts,
    incidents,
    lateness,
    schedules,
    stands,
    watch,
)

#: Calendars of every zone can be added up from these.
SLOT_SECONDS = 900
_MANY = 500
#: In place of a verdict, of an incident: the schedule cannot be judged.
UNJUDGED = "unjudged"
T = TypeVar("T")


@dataclass(frozen=True)
class ScheduleRow:
    """`seen` is the monitor's own; `gone_at` is when it was found deleted; `flaw` is why it cannot
    be judged."""

    name: str
    set_name: str
    workflow: str
    task_queue: str
    owner: str
    note: str
    time_zone: str
    paused: bool
    drifted: bool
    declared: dict[str, Any] | None
    seen: dict[str, Any]
    seen_at: datetime
    watched_until: datetime
    next_at: datetime | None = None
    last_good_at: datetime | None = None
    gone_at: datetime | None = None
    flaw: str = ""


@dataclass(frozen=True)
class StandRow:
    """How a schedule stood from `since` on; seen at `seen_at`, and until the next one."""

    schedule: str
    since: datetime
    seen_at: datetime
    stand: dict[str, Any]


@dataclass(frozen=True)
class FireRow:
    """One due time, or with `planned` false one run that somebody started by hand.

    `started_at` is of the first run, `run_id`, `run_started_at`, `status` and `ended_at` are of
    the last one of its retries. The server starts it; `begun_at` is when a worker had begun with
    it, where that was looked for.
    """

    schedule: str
    due: datetime
    verdict: str
    owner: str = ""
    planned: bool = True
    reason: str = ""
    workflow_id: str | None = None
    run_id: str | None = None
    status: str | None = None
    started_at: datetime | None = None
    run_started_at: datetime | None = None
    ended_at: datetime | None = None
    begun_at: datetime | None = None

    @property
    def waits_for_worker(self) -> bool:
        """It was looked for when its grace was over."""
        return self.verdict == "late" and self.status == "Running" and self.begun_at is None

    @property
    def began_at(self) -> datetime | None:
        """As far as it is known; None where none has begun."""
        if self.waits_for_worker or self.verdict == "missed":
            return None
        return self.begun_at or self.started_at

    @property
    def took(self) -> timedelta | None:
        begun = self.began_at
        return self.ended_at - begun if self.ended_at and begun else None

    @property
    def lateness(self) -> timedelta | None:
        """None also of what was started by hand."""
        if self.began_at is None or not self.planned:
            return None
        return max(self.began_at - self.due, timedelta(0))


@dataclass(frozen=True)
class IncidentRow:
    """From the first due time that was not well to the next one that was. `to_tell` is "open",
    "closed" or empty."""

    id: str
    schedule: str
    due: datetime
    verdict: str
    reason: str
    last_good_at: datetime | None
    opened_at: datetime
    told_to: tuple[str, ...] = ()
    closed_at: datetime | None = None
    recovered_due: datetime | None = None
    to_tell: str = "open"
    attempts: int = 0
    next_try_at: datetime | None = None


@dataclass(frozen=True)
class WatchRow:
    """How the monitor is. `good_until` is up to when it has looked at everything."""

    namespace: str
    began_at: datetime
    good_until: datetime | None
    schedules: int = 0
    took_ms: int = 0
    error: str = ""


@dataclass(frozen=True)
class Entry:
    """All that is new of one schedule. `coming` replaces what was known of times ahead."""

    schedule: ScheduleRow
    stands: tuple[StandRow, ...] = ()
    fires: tuple[FireRow, ...] = ()
    incidents: tuple[IncidentRow, ...] = ()
    coming: tuple[datetime, ...] | None = None


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
            return list(_fires_at(connection, keys))

    def open_incidents(self) -> dict[str, IncidentRow]:
        """By schedule; but for those of `unjudged`."""
        return self._open_incidents(incidents.c.verdict != UNJUDGED)

    def unjudged(self) -> dict[str, IncidentRow]:
        """The open incidents of schedules that cannot be judged."""
        return self._open_incidents(incidents.c.verdict == UNJUDGED)

    def _open_incidents(self, which: ColumnElement[bool]) -> dict[str, IncidentRow]:
        query = select(incidents).where(incidents.c.closed_at.is_(None), which)
        with self.store.read() as connection:
            return {row["schedule"]: _incident(row) for row in _all(connection, query)}

    def note_incident(self, incident: IncidentRow) -> None:
        """Again changes nothing."""
        values = vars(incident) | {"told_to": list(incident.told_to)}
        with self.store.begin() as connection:
            new = insert(connection, incidents).values(values)
            connection.execute(new.on_conflict_do_nothing(index_elements=["id"]))

    def to_tell(self, now: datetime, limit: int = 100) -> list[IncidentRow]:
        """Those that are to be told, or tried again, by now; what failed least comes first."""
        of = incidents.c
        due = of.next_try_at.is_(None) | (of.next_try_at <= now)
        query = select(incidents).where(of.to_tell != "", due)
        with self.store.read() as connection:
            ordered = query.order_by(of.attempts, of.opened_at, of.id).limit(limit)
            return [_incident(row) for row in _all(connection, ordered)]

    def tell_later(self, incident: str, kind: str, at: datetime) -> None:
        """Telling has failed."""
        mine = incidents.c.id == incident, incidents.c.to_tell == kind
        change = update(incidents).where(*mine)
        values = {"attempts": incidents.c.attempts + 1, "next_try_at": at}
        with self.store.begin() as connection:
            connection.execute(change.values(values))

    def told(self, incident: str, kind: str) -> set[str]:
        """Which targets have been told."""
        of = incident_alerts.c
        query = select(of.target).where(of.incident == incident, of.kind == kind)
        with self.store.read() as connection:
            return set(connection.execute(query).scalars())

    def mark_told(self, incident: str, kind: str, target: str, at: datetime) -> None:
        values = {"incident": incident, "kind": kind, "target": target, "sent_at": at}
        with self.store.begin() as connection:
            row = insert(connection, incident_alerts).values(values)
            connection.execute(row.on_conflict_do_nothing())

    def all_told(self, incident: str, kind: str) -> None:
        """Unless there is something new to tell meanwhile."""
        mine = incidents.c.id == incident, incidents.c.to_tell == kind
        with self.store.begin() as connection:
            connection.execute(update(incidents).where(*mine).values(to_tell=""))

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
                _write(connection, entry)

    def _of(
        self, table: Table, kind: type[StandRow], names: list[str], order: Any
    ) -> Iterator[tuple[str, StandRow]]:
        with self.store.read() as connection:
            for some in _portions(names):
                query = select(table).where(table.c.schedule.in_(some)).order_by(order)
                for row in _all(connection, query):
                    yield row["schedule"], kind(**row)


def _write(connection: Connection, entry: Entry) -> None:
    _upsert(connection, schedules, [vars(entry.schedule)], ["name"])
    _upsert(connection, stands, [vars(one) for one in entry.stands], ["schedule", "since"])
    if entry.fires:
        keys = [(one.schedule, one.due) for one in entry.fires]
        before = {(one.schedule, one.due): one for one in _fires_at(connection, keys)}
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


def _fires_at(connection: Connection, keys: Iterable[tuple[str, datetime]]) -> Iterator[FireRow]:
    for some in _portions(list(keys)):
        query = select(fires).where(tuple_(fires.c.schedule, fires.c.due).in_(some))
        for row in _all(connection, query):
            yield FireRow(**row)


def _portions(several: list[T]) -> Iterator[list[T]]:
    for first in range(0, len(several), _MANY):
        yield several[first : first + _MANY]


def _incident(row: dict[str, Any]) -> IncidentRow:
    fields: dict[str, Any] = {**row, "told_to": tuple(row["told_to"])}
    return IncidentRow(**fields)


def _from(several: list[StandRow], since: datetime) -> list[StandRow]:
    """The last one before then counted still."""
    before = [at for at, one in enumerate(several) if one.since <= since]
    return several[before[-1] if before else 0 :]


def _all(connection: Connection, query: Any) -> Iterator[dict[str, Any]]:
    for row in connection.execute(query).mappings():
        yield dict(row)
