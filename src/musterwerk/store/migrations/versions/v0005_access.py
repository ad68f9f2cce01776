"""Passwords and sessions of people who use the console, and the links in mails to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "musterwerk_passwords",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
    )
    op.create_table(
        "musterwerk_sessions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
    )
    op.create_index("musterwerk_sessions_by_person", "musterwerk_sessions", ["person"])
    op.create_index("musterwerk_sessions_by_age", "musterwerk_sessions", ["created_at"])
    _mail_links()


def _mail_links() -> None:
    op.create_table(
        "musterwerk_mail_links",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("viewed_at", _TIME),
        sa.Column("act_id", sa.Text),
    )
    table = "musterwerk_mail_links"
    op.create_index(f"{table}_by_notice", table, ["notice", "person"], unique=True)
    op.create_index(f"{table}_by_end", table, ["expires_at"])
