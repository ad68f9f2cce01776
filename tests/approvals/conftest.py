"""The real thing in one process: a worker of ours on its own queue and a database in a file."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from musterwerk.store import Store
from tests.approvals.desk import COMPANY, Desk


@pytest.fixture
def desk(client: Client, sqlite_store: Store) -> Desk:
    desk = Desk(client, sqlite_store, f"approvals-{uuid.uuid4()}")
    desk.people.apply(COMPANY, actor="test", channel="cli")
    return desk


@pytest.fixture(params=[1000, 0], ids=["cached", "uncached"])
async def served(request: pytest.FixtureRequest, desk: Desk) -> AsyncIterator[Desk]:
    """A desk with a worker, with the workflow cache on and off."""
    async with desk.worker(max_cached_workflows=request.param):
        yield desk
    await desk.replay()
