"""One running order desk without faults, for all tests of this folder."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from musterwerk.cli.worker import start_worker
from musterwerk.runtime.connection import Target
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.shop.demo.operator import demo_environment
from musterwerk.shop.names import musterwerk_queue
from musterwerk.shop.stack import Stack, StackOptions
from musterwerk.shop.staff import hire
from musterwerk.store import Store, database_url
from tests.shop.desk import Desk


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def desk(
    temporal_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """CD-1 is plenty; of CD-RARE there is one. Tests use it in the session's loop.

    Orders of 250.00 or more need the approval of a manager: mona, moritz or mara.
    """
    target = Target(temporal_server.address, isolated=True)
    queue = f"shop-{uuid.uuid4().hex}"
    options = StackOptions(
        data=tmp_path_factory.mktemp("desk"),
        server=target,
        stock={"CD-1": 10_000, "CD-2": 10_000, "CD-RARE": 1},
        workers=1,
        task_queue=queue,
    )
    store = Store(database_url(options.data, {}))
    await asyncio.to_thread(hire, store)
    store.close()
    ours = await start_worker(
        options.data, target, task_queue=musterwerk_queue(queue), env=demo_environment(target)
    )
    try:
        async with (
            Stack(options) as stack,
            httpx.AsyncClient(base_url=stack.urls["orders"], timeout=60) as http,
        ):
            yield Desk(options.data, stack, await target.connect(), http)
    finally:
        await ours.stop()
