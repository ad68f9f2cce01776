"""The real thing in one process: a worker of ours on its own queue and a database in a file."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url
from temporalio.client import Client

from musterwerk.store import Store
from tests.approvals.desk import COMPANY, Desk
from tests.databases import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(make_url(f"sqlite:///{tmp_path / 'musterwerk.sqlite'}"))


@pytest.fixture
def desk(client: Client, store: Store) -> Desk:
    desk = Desk(client, store, f"approvals-{uuid.uuid4()}")
    desk.people.apply(COMPANY, actor="test", channel="cli")
    return desk


@pytest.fixture(params=[1000, 0], ids=["cached", "uncached"])
async def served(request: pytest.FixtureRequest, desk: Desk) -> AsyncIterator[Desk]:
    """A desk with a worker, with the workflow cache on and off."""
    async with desk.worker(max_cached_workflows=request.param):
        yield desk
    await desk.replay()
