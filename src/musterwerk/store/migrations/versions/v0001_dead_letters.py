"""Dead letters of sagas, and who has been alerted of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    words = [
        sa.Column(name, sa.Text, nullable=False)
        for name in ("namespace", "workflow_id", "run_id", "workflow_type", "task_queue", "saga")
    ]
    op.create_table(
        "musterwerk_dead_letters",
        sa.Column("id", sa.Text, primary_key=True),
        *words,
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("direction", sa.String(10), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actions", sa.JSON, nullable=False),
        sa.Column("activity", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("settled_at", moment),
        sa.Column("action", sa.Text),
        sa.Column("resolved_by", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("resolved_at", moment),
    )
    op.create_index(
        "musterwerk_dead_letters_by_age", "musterwerk_dead_letters", ["settled_at", "since"]
    )
    op.create_table(
        "musterwerk_dead_letter_alerts",
        sa.Column("letter_id", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("sent_at", moment, nullable=False),
    )
