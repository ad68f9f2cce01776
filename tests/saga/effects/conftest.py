from __future__ import annotations

import pytest

from tests.databases import Database
from tests.saga.effects.bank import Bank


@pytest.fixture
def bank(database: Database) -> Bank:
    return Bank(database.engine())
