"""The gateway: a saga undoes or repeats by what it says, so it must not call one the other."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from musterwerk.saga.rules import activity_id
from musterwerk.shop.activities import ShopActivities
from musterwerk.shop.gateway import Gateway, ServiceUrls, Undo
from musterwerk.shop.model import Line, Money, Order
from tests.shop.services.harness import SLOW, Process, Running, rows, serving

LINE = Line(sku="CD-1", quantity=2)
ORDER = Order(
    order_id="o-1",
    customer_id="C-17",
    email="ada@customer.example",
    lines=[LINE],
    total=Money(amount=Decimal("12.50"), currency="USD"),
)


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def gateway(
    http: httpx.AsyncClient,
    inventory: Running,
    payment: Running,
    shipping: Running,
    mail: Running,
) -> Gateway:
    """All four services, real."""
    return Gateway(
        http, ServiceUrls(inventory.url, payment.url, shipping.url, mail.url), timeout=SLOW
    )


def at(http: httpx.AsyncClient, url: str, timeout: float = 20) -> Gateway:
    return Gateway(http, ServiceUrls(url, url, url, url), timeout=timeout)


async def failing(call: Any) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await call
    return caught.value


async def test_an_order_goes_all_the_way(gateway: Gateway, tmp_path: Path, smtp: Process) -> None:
    reservation = await gateway.reserve("o-1", LINE, "r")
    assert reservation.units == 2
    payment = await gateway.charge(ORDER, "c")
    assert payment.captured == ORDER.total
    shipment = await gateway.ship(ORDER, "s")
    await gateway.hand_over("o-1", "h")
    await gateway.issue("o-1", "i")
    await gateway.send(ORDER, "confirmation", tracking_number=shipment.tracking_number)
    assert rows(tmp_path / "inventory.sqlite", "SELECT state FROM reservations") == [("issued",)]
    assert rows(tmp_path / "shipping.sqlite", "SELECT state FROM shipments") == [("handed_over",)]
    assert rows(tmp_path / "mail.sqlite", "SELECT key, state FROM messages") == [
        ("o-1:confirmation", "sent")
    ]


async def test_an_order_goes_all_the_way_back(gateway: Gateway, tmp_path: Path) -> None:
    await gateway.reserve("o-1", LINE, "r")
    await gateway.charge(ORDER, "c")
    await gateway.ship(ORDER, "s")
    for undo in (gateway.cancel_shipment, gateway.refund, gateway.release):
        step = {"cancel_shipment": "s", "refund": "c", "release": "r"}[undo.__name__]
        for _ in range(2):
            await undo("o-1", Undo(undoes=step, key=f"{step}:undo"))
    assert rows(tmp_path / "inventory.sqlite", "SELECT state FROM reservations") == [("released",)]
    assert rows(tmp_path / "payment.sqlite", "SELECT state FROM charges") == [("refunded",)]
    assert rows(tmp_path / "shipping.sqlite", "SELECT state FROM shipments") == [("cancelled",)]


async def test_refusals_are_typed_and_final(gateway: Gateway) -> None:
    """Trying again to sell what is not there would keep the customer waiting for nothing."""
    many = Line(sku="CD-1", quantity=99)
    dear = ORDER.model_copy(update={"total": Money(amount=Decimal("5000.01"), currency="USD")})
    huge = ORDER.model_copy(update={"lines": [Line(sku="CD-1", quantity=1001)]})
    odd = Line(sku="CD-99", quantity=1)
    free = ORDER.model_copy(update={"total": Money(amount=Decimal("0.00"), currency="USD")})
    calls = {
        "OutOfStock": gateway.reserve("o-1", many, "k1"),
        "UnknownSku": gateway.reserve("o-1", odd, "k2"),
        "CardDeclined": gateway.charge(dear, "k3"),
        "InvalidRequest": gateway.charge(free, "k4"),
        "CannotShip": gateway.ship(huge, "k5"),
    }
    for kind, call in calls.items():
        error = await failing(call)
        assert (error.type, error.non_retryable) == (kind, True)
    await gateway.charge(ORDER, "k6")
    assert (await failing(gateway.charge(dear, "k6"))).type == "KeyReused"
    await gateway.ship(ORDER, "k7")
    await gateway.hand_over("o-1", "k8")
    late = await failing(gateway.cancel_shipment("o-1", Undo(undoes="k7", key="k9")))
    assert (late.type, late.non_retryable) == ("AlreadyHandedOver", True)
    await gateway.release("o-1", Undo(undoes="k10", key="k11"))
    zombie = await failing(gateway.reserve("o-1", LINE, "k10"))
    assert (zombie.type, zombie.non_retryable) == ("EffectUndone", True)


async def test_a_charge_is_asked_after(gateway: Gateway) -> None:
    """None for what is not there, never for what could not be asked: that would pay nobody."""
    assert await gateway.find_charge("k1") is None
    made = await gateway.charge(ORDER, "k1")
    assert await gateway.find_charge("k1") == made
    await gateway.refund("o-1", Undo(undoes="k1", key="k2"))
    assert await gateway.find_charge("k1") is None


@pytest.mark.parametrize("answer", ["outage", "stranger"])
async def test_who_cannot_answer_has_not_said_no(http: httpx.AsyncClient, answer: str) -> None:
    async def say(_: Request) -> Response:
        return problem(503, "unavailable") if answer == "outage" else Response(status_code=404)

    with serving(Starlette(routes=[Route("/{path:path}", say)])) as running:
        error = await failing(at(http, running.url).find_charge("k1"))
    assert (error.type, error.non_retryable) == ("ServiceUnavailable", False)


async def test_no_answer_in_time_is_an_outage(http: httpx.AsyncClient) -> None:
    """Nobody knows whether the effect has happened: it must be retryable, never a refusal."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        error = await failing(at(http, url, timeout=0.1).reserve("o-1", LINE, "k1"))
    assert (error.type, error.non_retryable) == ("ServiceUnavailable", False)
    assert error.message == "inventory did not answer within 0.1 s"


async def test_an_answer_in_drops_is_no_answer_in_time(http: httpx.AsyncClient) -> None:
    """The limit is for the whole call: a byte now and then must not hold a worker for ever."""
    over = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            over.set()
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        error = await failing(at(http, url, timeout=0.2).charge(ORDER, "k1"))
        await over.wait()
    assert error.message == "payment did not answer within 0.2 s"


async def test_nobody_there_is_an_outage(http: httpx.AsyncClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    error = await failing(at(http, url).ship(ORDER, "k1"))
    assert (error.type, error.non_retryable) == ("ServiceUnavailable", False)
    assert error.message.startswith("shipping could not be reached")


def problem(status: int, slug: str) -> Response:
    body = {"type": f"urn:musterwerk:{slug}", "title": "t", "status": status, "detail": "why"}
    return JSONResponse(body, status, media_type="application/problem+json")


@pytest.mark.parametrize(
    ("answer", "kind", "final"),
    [
        (problem(409, "in-flight"), "ServiceUnavailable", False),
        (problem(500, "internal"), "ServiceUnavailable", False),
        (problem(503, "unavailable"), "ServiceUnavailable", False),
        (problem(422, "undeliverable"), "Undeliverable", True),
        (problem(409, "order-taken"), "OrderTaken", True),
        (problem(409, "refund-refused"), "RefundRefused", True),
        (problem(400, "missing-key"), "InvalidRequest", True),
        (problem(413, "too-large"), "InvalidRequest", True),
        (PlainTextResponse("not here", 404), "ServiceUnavailable", False),
        (PlainTextResponse("bad gateway", 502), "ServiceUnavailable", False),
        (JSONResponse({"type": "about:blank", "detail": "?"}, 409), "ServiceUnavailable", False),
        (JSONResponse([], 400), "ServiceUnavailable", False),
        (Response(status_code=302, headers={"Location": "/"}), "ServiceUnavailable", False),
        (PlainTextResponse("hello"), "ServiceUnavailable", False),
        (JSONResponse({"reservation_id": 1}), "ServiceUnavailable", False),
    ],
)
async def test_what_an_answer_means(
    http: httpx.AsyncClient, answer: Response, kind: str, final: bool
) -> None:
    """Only our services' own words are refusals; what a proxy says in between is an outage."""

    async def say(_: Request) -> Response:
        return answer

    with serving(Starlette(routes=[Route("/{path:path}", say, methods=["POST"])])) as running:
        error = await failing(at(http, running.url).reserve("o-1", LINE, "k1"))
    assert (error.type, error.non_retryable) == (kind, final)


async def test_every_attempt_sends_the_same(http: httpx.AsyncClient) -> None:
    """Other content under the same key would be refused, and the order would be stuck."""
    seen: list[tuple[str, str, bytes]] = []

    async def take(request: Request) -> Response:
        seen.append((request.url.path, request.headers["Idempotency-Key"], await request.body()))
        return problem(503, "unavailable")

    travelled = Order.model_validate_json(ORDER.model_dump_json())
    with serving(Starlette(routes=[Route("/{path:path}", take, methods=["POST"])])) as running:
        for order in (ORDER, travelled):
            calls = at(http, running.url)
            await failing(calls.reserve(order.order_id, order.lines[0], "k1"))
            await failing(calls.charge(order, "k2"))
            await failing(calls.ship(order, "k3"))
            await failing(calls.refund(order.order_id, Undo("k2", "k2:undo")))
            await failing(calls.send(order, "failure", reason="x"))
    first, second = seen[:5], seen[5:]
    assert first == second
    assert json.loads(first[1][2])["amount"] == {"amount": "12.50", "currency": "USD"}
    assert first[3][1:] == ("k2:undo", b'{"order_id":"o-1","key":"k2"}')
    assert first[4][1] == "o-1:failure"


async def test_activities_take_their_keys_from_the_saga(gateway: Gateway, tmp_path: Path) -> None:
    """The step under the business key, its undo under its own and naming the step's."""
    activities = ShopActivities(gateway)

    def environment(direction: Literal["do", "undo"]) -> ActivityEnvironment:
        made = ActivityEnvironment()
        name = activity_id("run-1", "order", "charge_payment/1", direction)
        made.info = replace(made.info, activity_id=name)
        return made

    assert await environment("do").run(activities.find_payment, ORDER) is None
    charged = await environment("do").run(activities.charge_payment, ORDER)
    assert await environment("do").run(activities.find_payment, ORDER) == charged
    again = await environment("do").run(activities.charge_payment, ORDER)
    assert charged == again
    for known in (charged, None):
        await environment("undo").run(activities.refund_payment, ORDER, known)
    assert rows(tmp_path / "payment.sqlite", "SELECT state FROM charges") == [("refunded",)]
    late = await failing(environment("do").run(activities.charge_payment, ORDER))
    assert late.type == "EffectUndone"


def test_the_worker_gets_every_activity() -> None:
    """One that is missing would leave its orders waiting for a worker that never comes."""
    http = httpx.AsyncClient()
    names = {call.__name__ for call in ShopActivities(at(http, "http://shop.example")).all()}
    assert names == {name for name in vars(ShopActivities) if not name.startswith("_")} - {"all"}
