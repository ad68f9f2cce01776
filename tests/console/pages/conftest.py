from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from tests.console.office import Office
from tests.console.pages.mailing import Post
from tests.console.pages.schedules import Ledger
from tests.schedules.server.conftest import Desk, desk_of


@pytest.fixture
async def post(served: Office) -> AsyncIterator[Post]:
    async with Post.of(served) as post:
        yield post


@pytest.fixture
def ledger(office: Office) -> Ledger:
    return Ledger(office)


@pytest.fixture
async def planned(client: Client) -> AsyncIterator[Desk]:
    """Where schedules are declared, on the tests' server."""
    async with desk_of(client) as desk:
        yield desk
