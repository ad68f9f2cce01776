"""The schedule ledger: what was due, what became of it, and who was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TIME = sa.DateTime(timezone=True)
_OPEN = sa.text(
    "verdict = 'waiting' OR status = 'Running' OR (verdict = 'late' AND run_id IS NULL)"
)


def upgrade() -> None:
    _schedules()
    _fires()
    _incidents()
    op.create_table(
        "musterwerk_schedule_watch",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("good_until", _TIME),
        sa.Column("schedules", sa.Integer, nullable=False),
        sa.Column("took_ms", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )


def _schedules() -> None:
    op.create_table(
        "musterwerk_schedules",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("set_name", sa.Text, nullable=False),
        sa.Column("workflow", sa.Text, nullable=False),
        sa.Column("task_queue", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("drifted", sa.Boolean, nullable=False),
        sa.Column("declared", sa.JSON(none_as_null=True)),
        sa.Column("seen", sa.JSON, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("watched_until", _TIME, nullable=False),
        sa.Column("next_at", _TIME),
        sa.Column("last_good_at", _TIME),
        sa.Column("gone_at", _TIME),
    )
    op.create_table(
        "musterwerk_schedule_stands",
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("since", _TIME, primary_key=True),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("stand", sa.JSON, nullable=False),
    )


def _fires() -> None:
    op.create_table(
        "musterwerk_fires",
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("due", _TIME, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("planned", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("workflow_id", sa.Text),
        sa.Column("run_id", sa.Text),
        sa.Column("status", sa.String(20)),
        sa.Column("started_at", _TIME),
        sa.Column("run_started_at", _TIME),
        sa.Column("ended_at", _TIME),
    )
    table = "musterwerk_fires"
    op.create_index(f"{table}_by_due", table, ["due", "schedule"])
    op.create_index(f"{table}_by_verdict", table, ["verdict", "due", "schedule"])
    op.create_index(
        f"{table}_open", table, ["schedule", "due"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table(
        "musterwerk_fire_counts",
        sa.Column("slot", _TIME, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("verdict", sa.String(16), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "musterwerk_fire_lateness",
        sa.Column("bucket", sa.Integer, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "musterwerk_coming_fires",
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("due", _TIME, primary_key=True),
    )
    coming = "musterwerk_coming_fires"
    op.create_index(f"{coming}_by_due", coming, ["due", "schedule"])


def _incidents() -> None:
    table = "musterwerk_schedule_incidents"
    op.create_table(
        table,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("schedule", sa.Text, nullable=False),
        sa.Column("due", _TIME, nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("last_good_at", _TIME),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("recovered_due", _TIME),
        sa.Column("told_to", sa.JSON, nullable=False),
        sa.Column("to_tell", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", _TIME),
    )
    op.create_index(f"{table}_by_schedule", table, ["schedule", "closed_at"])
    op.create_index(f"{table}_to_tell", table, ["to_tell", "opened_at"])
    op.create_table(
        "musterwerk_schedule_alerts",
        sa.Column("incident", sa.Text, primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("sent_at", _TIME, nullable=False),
    )
