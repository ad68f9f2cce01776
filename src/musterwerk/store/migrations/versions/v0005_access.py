"""Passwords and sessions of people who use the console."""

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
