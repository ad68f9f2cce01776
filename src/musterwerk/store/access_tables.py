"""The tables of who is logged in where. Secrets are kept as hashes only."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from musterwerk.store.tables import CleanText, UtcDateTime, metadata

passwords = Table(
    "musterwerk_passwords",
    metadata,
    Column("person", CleanText, primary_key=True),
    # Argon2id in its own encoding: parameters, salt and hash.
    Column("hash", CleanText, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

sessions = Table(
    "musterwerk_sessions",
    metadata,
    # SHA-256 of the cookie.
    Column("hash", String(64), primary_key=True),
    Column("person", CleanText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("musterwerk_sessions_by_person", "person"),
    Index("musterwerk_sessions_by_age", "created_at"),
)
