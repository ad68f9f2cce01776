"""The end of a demo: its report must come, whatever does not answer by then."""

from __future__ import annotations

import socket

import httpx
import pytest
from fastapi import FastAPI

from musterwerk.shop.demo.settling import dead_letters, quiet
from tests.shop.desk import Desk, order
from tests.shop.services.harness import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_service_that_stays_busy_is_named_and_its_faults_count() -> None:
    api = FastAPI()
    api.add_api_route("/faults", lambda: {"injected": {"late": 2}, "in_flight": 3})
    with serving(api) as running, socket.create_server(("127.0.0.1", 0)) as nobody:
        gone = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        nobody.close()
        async with httpx.AsyncClient() as http:
            faults, busy = await quiet(http, {"mail": running.url, "payment": gone}, within=0.2)
    assert faults == {"late": 2}
    assert busy == [
        "Service mail still has 3 requests in flight.",
        "Service payment does not say whether requests are in flight.",
    ]


async def test_an_order_that_cannot_answer_does_not_break_the_count(desk: Desk) -> None:
    await desk.place(order("counted"))
    await desk.ended("counted")
    assert await dead_letters(desk.client, ["nobody", "counted"]) == (0, ["nobody"])
