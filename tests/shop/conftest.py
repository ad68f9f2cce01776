"""One running order desk without faults, for all tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from musterwerk.runtime.connection import Target
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.shop.stack import Stack, StackOptions
from tests.shop.desk import Desk


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(
    temporal_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """CD-1 is plenty; of CD-RARE there is one. Tests use it in the session's loop."""
    target = Target(temporal_server.address, isolated=True)
    options = StackOptions(
        data=tmp_path_factory.mktemp("desk"),
        server=target,
        stock={"CD-1": 10_000, "CD-2": 10_000, "CD-RARE": 1},
        workers=1,
        task_queue=f"desk-{uuid.uuid4()}",
    )
    async with (
        Stack(options) as stack,
        httpx.AsyncClient(base_url=stack.urls["orders"], timeout=60) as http,
    ):
        yield Desk(options.data, stack, await target.connect(), http)
