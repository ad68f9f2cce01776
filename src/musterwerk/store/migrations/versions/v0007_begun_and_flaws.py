"""When a worker began with a run, and schedules that cannot be judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    begun = sa.Column("begun_at", sa.DateTime(timezone=True))
    op.add_column("musterwerk_fires", begun)
    flaw = sa.Column("flaw", sa.Text, nullable=False, server_default="")
    op.add_column("musterwerk_schedules", flaw)
