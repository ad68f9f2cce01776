"""The ledger's one table, and how it comes into a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.schema import CreateTable

MAX_KEY = 255

#: Any fixed number will do; it only has to be the same in every process that creates the table.
_CREATION_LOCK = 0x6D757374


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, on SQLite too, which keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        # SQLite gives back without a zone what went in as UTC.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


#: Add it to Alembic's `target_metadata`, or call `create_tables`.
metadata = MetaData()

# The results are JSON in a text column: a JSON column would go through whatever serializer the
# application has given its engine, and a replay has to be exactly what was recorded.
effects = Table(
    "musterwerk_effects",
    metadata,
    Column("key", String(MAX_KEY), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("fingerprint", String(64)),
    Column("result", Text),
    Column("undo_result", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('done', 'undone', 'tombstone')", name="musterwerk_effects_state"),
)


def create_tables(bind: Engine | Connection) -> None:
    """Create the table where it is missing. Several processes may do so at once.

    With an AsyncEngine: `await connection.run_sync(effects.create_tables)`.
    """
    if isinstance(bind, Engine):
        with bind.begin() as connection:
            create_tables(connection)
        return
    if bind.dialect.name == "postgresql":
        # There, IF NOT EXISTS alone fails for the second of two that create at the same time.
        bind.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CREATION_LOCK})
    bind.execute(CreateTable(effects, if_not_exists=True))
