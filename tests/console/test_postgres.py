"""The same API on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import make_url
from temporalio.client import Client

from musterwerk.store import Store
from tests.console.office import Office, problem
from tests.waiting import PATIENCE


@pytest.fixture
async def served(client: Client, postgres_url: str) -> AsyncGenerator[Office]:
    office = Office.of(Store(make_url(postgres_url)), client)
    office.services.patience = PATIENCE
    async with office.worker():
        yield office
    await office.close()


async def test_from_the_question_to_the_trail(served: Office) -> None:
    """Whoever outgrows SQLite would find that something does not work there."""
    status = await served.ask(subject="Refund 1 % ü")
    key = status["request_id"]
    for person, box in (("anna", "mine"), ("rita", "all"), ("ben", "unassigned")):
        page = await served.get(person, "/requests", box=box, q="1 %", limit=1)
        assert [one["request_id"] for one in page["items"]] == [key]
    assert (await served.decide("anna", status, key="k")).json()["verdict"] == "applied"
    assert (await served.decide("anna", status, key="k")).json()["verdict"] == "applied"
    problem(await served.decide("ben", status), 409, "closed")
    page = await served.get("anna", "/requests", box="decided")
    assert [one["by"] for one in page["items"]] == [["anna"]]
    assert await served.decided(status) == ["anna"]
    lines = (await served.get("udo", "/audit", request=key))["items"]
    assert [one["event"] for one in lines][:2] == ["requested", "asked"]
    assert (await served("ada").put("/people/zoe", json={"name": "Zoë"})).status_code == 200
