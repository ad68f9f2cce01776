"""The tables, as the code uses them. What is in a database is made by `migrations/`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, on SQLite too, which keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CleanText(TypeDecorator[str]):
    """Text that every database takes: others' error messages may hold what PostgreSQL refuses.

    NUL and halves of surrogate pairs become replacement characters.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else clean(value)


def clean(text: str) -> str:
    """As `CleanText` keeps it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


metadata = MetaData()

dead_letters = Table(
    "musterwerk_dead_letters",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("namespace", CleanText, nullable=False),
    Column("workflow_id", CleanText, nullable=False),
    Column("run_id", CleanText, nullable=False),
    Column("workflow_type", CleanText, nullable=False),
    Column("task_queue", CleanText, nullable=False),
    Column("saga", CleanText, nullable=False),
    Column("step", CleanText, nullable=False),
    Column("direction", String(10), nullable=False),
    Column("kind", CleanText, nullable=False),
    Column("actions", JSON, nullable=False),
    Column("activity", CleanText, nullable=False),
    Column("error", CleanText, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("settled_at", UtcDateTime),
    # Empty in a settled letter whose work succeeded after all.
    Column("action", CleanText),
    Column("resolved_by", CleanText),
    Column("reason", CleanText),
    Column("resolved_at", UtcDateTime),
    Index("musterwerk_dead_letters_by_age", "settled_at", "since"),
)

# No foreign key: an alert goes out, and is noted, even before its letter could be recorded.
alerts = Table(
    "musterwerk_dead_letter_alerts",
    metadata,
    Column("letter_id", CleanText, primary_key=True),
    Column("target", CleanText, primary_key=True),
    Column("sent_at", UtcDateTime, nullable=False),
)
