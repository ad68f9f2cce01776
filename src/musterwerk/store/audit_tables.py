"""The table of the audit trail. Its columns read as they were written, on every database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, Table, Text, TypeDecorator

from musterwerk.canonical import canonical
from musterwerk.store.tables import CleanText, metadata


class IsoMoment(TypeDecorator[datetime]):
    """An aware time as text: what is hashed is what is stored. Its order is that of time."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else iso(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class ExactJson(TypeDecorator[Any]):
    """JSON as text in ASCII: a database's own type would refuse or change some of it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return canonical(value).decode("ascii")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return json.loads(value)


def iso(at: datetime) -> str:
    """In UTC, always with microseconds: 2026-03-01T09:30:00.000000+00:00."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


audit = Table(
    "musterwerk_audit",
    metadata,
    # Not a counter of the database's: those leave gaps when a transaction is rolled back.
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("source", CleanText, nullable=False, unique=True),
    Column("at", IsoMoment, nullable=False),
    Column("request_id", CleanText),
    Column("event", CleanText, nullable=False),
    Column("actor", CleanText, nullable=False),
    Column("channel", CleanText, nullable=False),
    Column("on_behalf_of", CleanText),
    Column("digest", CleanText, nullable=False),
    Column("data", ExactJson, nullable=False),
    Column("record", CleanText, nullable=False),
    Column("previous", CleanText, nullable=False),
    Column("hash", CleanText, nullable=False),
    Index("musterwerk_audit_by_request", "request_id", "seq"),
    Index("musterwerk_audit_by_actor", "actor", "seq"),
)
