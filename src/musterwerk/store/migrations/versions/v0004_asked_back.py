"""An index of the requests whose requester was asked back: few, however many are open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    only = sa.text("state = 'info_requested'")
    op.create_index(
        "musterwerk_requests_asked_back",
        "musterwerk_requests",
        ["requester", "expires_at", "id"],
        sqlite_where=only,
        postgresql_where=only,
    )
