"""A client as somebody has it who never heard of us: Temporal's own converter, no plugin."""

from __future__ import annotations

import uuid

import pytest
from temporalio.client import Client

from musterwerk.runtime.server import EmbeddedServer


@pytest.fixture
async def plain(temporal_server: EmbeddedServer) -> Client:
    return await Client.connect(temporal_server.address)


@pytest.fixture
def fresh() -> str:
    """A part for ids and queues that no other test has."""
    return uuid.uuid4().hex[:12]
