"""When a worker began with a run, schedules that cannot be judged, and quicker calendars."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TIME = sa.DateTime(timezone=True)
_COUNTS = "musterwerk_fire_counts"


def upgrade() -> None:
    op.add_column("musterwerk_fires", sa.Column("begun_at", _TIME))
    flaw = sa.Column("flaw", sa.Text, nullable=False, server_default="")
    op.add_column("musterwerk_schedules", flaw)
    if op.get_bind().dialect.name == "sqlite":
        _counts_without_rowid()


def _counts_without_rowid() -> None:
    """A month is read in a quarter of the time: else there is one look for each row beside that in
    the key."""
    op.rename_table(_COUNTS, f"{_COUNTS}_old")
    op.create_table(
        _COUNTS,
        sa.Column("slot", _TIME, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("verdict", sa.String(16), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO {_COUNTS} SELECT * FROM {_COUNTS}_old")  # noqa: S608 - ours
    op.drop_table(f"{_COUNTS}_old")
