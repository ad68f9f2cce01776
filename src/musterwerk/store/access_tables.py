"""The tables of who gets in by what: passwords, sessions, links in mails. Secrets are hashes."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

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

mail_links = Table(
    "musterwerk_mail_links",
    metadata,
    # SHA-256 of the secret in the link.
    Column("hash", String(64), primary_key=True),
    Column("notice", CleanText, nullable=False),
    Column("person", CleanText, nullable=False),
    Column("request_id", CleanText, nullable=False),
    # What was shown in the mail.
    Column("revision", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("viewed_at", UtcDateTime),
    # By which it was used up, unless that act was refused.
    Column("act_id", CleanText),
    Index("musterwerk_mail_links_by_notice", "notice", "person", unique=True),
    Index("musterwerk_mail_links_by_end", "expires_at"),
)
