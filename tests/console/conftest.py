from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url
from temporalio.client import Client

from musterwerk.store import Store
from tests.console.office import Office


@pytest.fixture
async def office(client: Client, tmp_path: Path) -> AsyncIterator[Office]:
    """No worker is at work."""
    store = Store(make_url(f"sqlite:///{tmp_path / 'musterwerk.sqlite'}"))
    office = Office.of(store, client)
    yield office
    await office.close()


@pytest.fixture
async def served(office: Office) -> AsyncIterator[Office]:
    # A busy machine is not a worker that is away.
    office.services.patience = timedelta(seconds=20)
    async with office.worker():
        yield office
