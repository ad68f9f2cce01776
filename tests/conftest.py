"""Fixtures for every test: one real Temporal server for the session, a client on it, databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import hypothesis
import pytest
import pytest_asyncio
from temporalio.client import Client

from musterwerk.runtime.connection import connect
from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer

pytest_plugins = ["tests.databases", "tests.deadlocks", "tests.hurry", "tests.sandboxing"]

# A busy machine is no counterexample.
hypothesis.settings.register_profile("musterwerk", deadline=None)
hypothesis.settings.load_profile("musterwerk")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[EmbeddedServer]:
    """An embedded server of our own in a fresh folder, whatever the environment says."""
    async with EmbeddedServer(tmp_path_factory.mktemp("temporal"), ui=False) as server:
        yield server


@pytest.fixture
async def client(temporal_server: EmbeddedServer) -> Client:
    return await connect(temporal_server.address, isolated=True)


_exit_code = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_exit_code] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave as our commands do: CPython 3.11 may abort on its way out after using a client."""
    if _exit_code in config.stash:
        leave(config.stash[_exit_code])
