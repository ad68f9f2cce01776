"""The audit trail: lines that are appended, each with a hash over itself and the line before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, insert, select, text

from musterwerk.canonical import canonical
from musterwerk.store.audit_tables import audit, iso
from musterwerk.store.database import Store
from musterwerk.store.tables import clean

#: Any fixed number will do; it only has to be the same in every process that appends.
_LOCK = 0x6D757374_6175
#: As many parameters as a statement may have, and some to spare.
_AT_ONCE = 500
#: What is hashed, by the names of the columns, after the hash of the line before.
HASHED = tuple(
    column.name for column in audit.columns if column.name not in ("seq", "previous", "hash")
)

Q = TypeVar("Q", bound=Select[Any])


@dataclass(frozen=True)
class AuditLine:
    """Something that happened. `source` is its own id: the same thing told again is kept once.

    `record` is there in the entries of a request, which are a chain of their own.
    """

    source: str
    at: datetime
    request_id: str | None
    event: str
    actor: str
    channel: str
    on_behalf_of: str | None = None
    digest: str = ""
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    record: str = ""


@dataclass(frozen=True)
class KeptLine(AuditLine):
    """A line in its place. `seq` counts from 1 without gaps; `previous` is the hash before it."""

    seq: int = 0
    previous: str = ""
    hash: str = ""


@dataclass(frozen=True)
class Head:
    """The last line; 0 and "" where there is none."""

    seq: int = 0
    hash: str = ""


@dataclass(frozen=True)
class Filter:
    """Which lines; all that is given must hold. `until` is no longer part of it."""

    request_id: str | None = None
    actor: str | None = None
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def on(self, query: Q) -> Q:
        for name in ("request_id", "actor", "event"):
            if (wanted := getattr(self, name)) is not None:
                query = query.where(audit.c[name] == wanted)
        if self.since is not None:
            query = query.where(audit.c.at >= self.since)
        if self.until is not None:
            query = query.where(audit.c.at < self.until)
        return query


def append(connection: Connection, lines: Sequence[AuditLine]) -> None:
    """Add what is not there yet, in the caller's transaction.

    Nobody else appends until that ends: call it last, after all other locks are held.
    """
    if not lines:
        return
    lock(connection)
    head = head_of(connection)
    told: dict[str, dict[str, Any]] = {}
    for row in map(_clean, lines):
        told.setdefault(row["source"], row)
    for start in range(0, len(told), _AT_ONCE):
        some = list(told.values())[start : start + _AT_ONCE]
        sources = select(audit.c.source).where(audit.c.source.in_([row["source"] for row in some]))
        known = set(connection.execute(sources).scalars())
        rows = list(_chained(head, (row for row in some if row["source"] not in known)))
        if rows:
            connection.execute(insert(audit), rows)
            head = Head(rows[-1]["seq"], rows[-1]["hash"])


def lock(connection: Connection) -> None:
    """Let nobody else append until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def head_of(connection: Connection) -> Head:
    query = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    found = connection.execute(query).first()
    return Head() if found is None else Head(*found)


def hash_of(previous: str, seq: int, at: str, data: Any, columns: dict[str, Any]) -> str:
    """The hash of a line. `at` is as `iso` spells it, `columns` has the other columns."""
    content = {name: columns[name] for name in HASHED} | {"seq": seq, "at": at, "data": data}
    return hashlib.sha256(canonical([previous, content])).hexdigest()


def _chained(head: Head, rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    seq, previous = head.seq, head.hash
    for row in rows:
        seq += 1
        mark = hash_of(previous, seq, iso(row["at"]), row["data"], row)
        yield row | {"seq": seq, "previous": previous, "hash": mark}
        previous = mark


def _clean(line: AuditLine) -> dict[str, Any]:
    """As it will be read again: what is hashed must be what is kept."""
    row = {name: getattr(line, name) for name in HASHED}
    for name, value in row.items():
        if isinstance(value, str):
            row[name] = clean(value)
    return row | {"data": json.loads(json.dumps(line.data))}


class AuditTrail:
    """Reading the trail."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def head(self) -> Head:
        with self.store.read() as connection:
            return head_of(connection)

    def lines(
        self, after: int = 0, limit: int | None = None, only: Filter | None = None
    ) -> list[KeptLine]:
        """In their order, those whose `seq` is greater than `after`."""
        query = select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        query = (only or Filter()).on(query)
        with self.store.read() as connection:
            return [KeptLine(**row) for row in connection.execute(query).mappings()]

    def latest(
        self, limit: int, only: Filter | None = None, *, before: int | None = None
    ) -> list[KeptLine]:
        """The last ones (before the line `before`), in their order."""
        query = (only or Filter()).on(select(audit)).order_by(audit.c.seq.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.seq < before)
        with self.store.read() as connection:
            return [KeptLine(**row) for row in connection.execute(query).mappings()][::-1]
