from __future__ import annotations

from tests.databases import (
    database,
    postgres,
    postgres_server,
    postgres_url,
    sqlite,
    sqlite_url,
    store,
)

__all__ = [
    "database",
    "postgres",
    "postgres_server",
    "postgres_url",
    "sqlite",
    "sqlite_url",
    "store",
]
