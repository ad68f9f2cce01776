from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from musterwerk.store import Store
from tests.console.office import Office
from tests.waiting import PATIENCE


@pytest.fixture
async def office(client: Client, sqlite_store: Store) -> AsyncIterator[Office]:
    """No worker is at work."""
    office = Office.of(sqlite_store, client)
    yield office
    await office.close()


@pytest.fixture
async def served(office: Office) -> AsyncIterator[Office]:
    office.services.patience = PATIENCE
    async with office.worker():
        yield office
