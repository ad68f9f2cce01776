from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from musterwerk.store import Store
from tests.console.office import Office


@pytest.fixture
async def office(client: Client, sqlite_store: Store) -> AsyncIterator[Office]:
    """No worker is at work."""
    office = Office.of(sqlite_store, client)
    yield office
    await office.close()


@pytest.fixture
async def served(office: Office) -> AsyncIterator[Office]:
    # A busy machine is not a worker that is away.
    office.services.patience = timedelta(seconds=20)
    async with office.worker():
        yield office
