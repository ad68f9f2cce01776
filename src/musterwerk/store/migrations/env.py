"""Alembic's way in. The connection, its lock and its transaction are the caller's."""

from __future__ import annotations

from alembic import context

from musterwerk.store.schema import VERSION_TABLE
from musterwerk.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
