from __future__ import annotations

import pytest

from tests.databases import (
    Database,
    database,
    postgres,
    postgres_server,
    postgres_url,
    sqlite,
    sqlite_url,
)
from tests.saga.effects.bank import Bank

__all__ = ["database", "postgres", "postgres_server", "postgres_url", "sqlite", "sqlite_url"]


@pytest.fixture
def bank(database: Database) -> Bank:
    return Bank(database.engine())
