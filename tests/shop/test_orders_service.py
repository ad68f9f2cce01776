"""The entry to the desk: bad orders get a clear answer, and good ones are taken exactly once."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.runtime.server import EmbeddedServer
from musterwerk.shop.release import ReleaseRule
from musterwerk.shop.services.orders_store import OrderStore
from tests.shop.desk import Desk, order
from tests.shop.services.harness import process, rows

pytestmark = pytest.mark.asyncio(loop_scope="session")

GOOD = order("bad-1").model_dump(mode="json")


def but(**changes: Any) -> dict[str, Any]:
    return GOOD | changes


def line(**changes: Any) -> dict[str, Any]:
    return but(lines=[{"sku": "CD-1", "quantity": 1} | changes])


def total(**changes: Any) -> dict[str, Any]:
    return but(total={"amount": "29.33", "currency": "USD"} | changes)


BAD: dict[str, tuple[Any, int, str, str]] = {
    "negative quantity": (line(quantity=-1), 422, "invalid", "lines.0.quantity"),
    "zero quantity": (line(quantity=0), 422, "invalid", "lines.0.quantity"),
    "half a CD": (line(quantity=1.5), 422, "invalid", "lines.0.quantity"),
    "quantity as text": (line(quantity="1"), 422, "invalid", "lines.0.quantity"),
    "float amount": (total(amount=29.33), 422, "invalid", "total.amount"),
    "integer amount": (total(amount=29), 422, "invalid", "total.amount"),
    "negative amount": (total(amount="-1.00"), 422, "invalid", "total.amount"),
    "no number": (total(amount="NaN"), 422, "invalid", "total.amount"),
    "a tenth of a cent": (total(amount="29.333"), 422, "invalid", "total"),
    "unknown currency": (total(currency="XXX"), 422, "invalid", "XXX"),
    "no lines": (but(lines=[]), 422, "invalid", "lines"),
    "one article in two lines": (
        but(lines=[{"sku": "CD-1", "quantity": 1}] * 2), 422, "invalid", "CD-1",
    ),
    "missing total": (
        {name: value for name, value in GOOD.items() if name != "total"}, 422, "invalid", "total",
    ),
    "unknown field": (but(coupon="free"), 422, "invalid", "coupon"),
    "an id that is a path": (but(order_id="../etc"), 422, "invalid", "order_id"),
    "no mail address": (but(email="nobody"), 422, "invalid", "email"),
    "unknown article": (line(sku="CD-NONE"), 422, "unknown-sku", "CD-NONE"),
    "a list": (b"[]", 422, "invalid", "body"),
    "not JSON": (b"{order", 422, "invalid", "JSON"),
    "not text": (b"\xff\xfe\x00", 422, "invalid", "body"),
    "a pit of brackets": (b"[" * 200_000, 422, "invalid", "body"),
    "3 MB": (json.dumps(but(email="x" * 3_000_000)).encode(), 413, "too-large", "256 KiB"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "status", "slug", "mentions"), BAD.values(), ids=BAD.keys())
async def test_a_bad_order_is_refused_and_leaves_no_trace(
    desk: Desk, body: Any, status: int, slug: str, mentions: str
) -> None:
    reply = await desk.post(body, key="bad-key")
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"] == f"urn:musterwerk:{slug}"
    assert mentions in reply.json()["detail"]
    await assert_no_trace(desk, "bad-1")


@pytest.mark.parametrize("key", [None, "", "x" * 201, "a b"])
async def test_an_order_without_a_usable_key_is_refused(desk: Desk, key: str | None) -> None:
    reply = await desk.post(GOOD, key=key)
    assert reply.status_code == 400
    assert reply.json()["type"] == "urn:musterwerk:missing-key"
    await assert_no_trace(desk, "bad-1")


async def assert_no_trace(desk: Desk, order_id: str) -> None:
    assert desk.rows("orders", "SELECT * FROM orders WHERE order_id = ?", order_id) == []
    assert desk.rows("orders", "SELECT * FROM requests WHERE order_id = ?", order_id) == []
    with pytest.raises(RPCError) as refused:
        await desk.handle(order_id).describe()
    assert refused.value.status == RPCStatusCode.NOT_FOUND
    assert (await desk.http.get(f"/orders/{order_id}")).status_code == 404


async def test_an_order_posted_twenty_times_at_once_starts_once(desk: Desk) -> None:
    """A nervous client, or a proxy that repeats: the customer pays once."""
    wanted = order("twenty")
    replies = await asyncio.gather(*(desk.post(wanted, key="twenty") for _ in range(20)))
    answers = Counter(reply.status_code for reply in replies)
    assert answers[202] >= 1
    assert answers[202] + answers[409] == 20
    for reply in replies:
        if reply.status_code == 409:
            assert reply.json()["type"] == "urn:musterwerk:in-flight"
    assert (await desk.ended("twenty"))["status"] == "fulfilled"
    assert (await desk.post(wanted, key="twenty")).status_code == 202
    runs = [run async for run in desk.client.list_workflows("WorkflowId = 'order-twenty'")]
    assert len(runs) == 1
    assert desk.rows("payment", "SELECT amount_minor FROM charges WHERE order_id = 'twenty'") == [
        (2933,)
    ]


async def test_twenty_keys_for_the_same_order_start_it_once(desk: Desk) -> None:
    """Without a common key it is the order's id that keeps the customer from paying twice."""
    wanted = order("keys")
    replies = await asyncio.gather(*(desk.post(wanted, key=f"keys-{n}") for n in range(20)))
    assert {reply.status_code for reply in replies} == {202}
    await desk.ended("keys")
    runs = [run async for run in desk.client.list_workflows("WorkflowId = 'order-keys'")]
    assert len(runs) == 1


async def test_the_same_id_with_other_content_is_another_order_and_refused(desk: Desk) -> None:
    await desk.place(order("same", cents=1000))
    reply = await desk.post(order("same", cents=2000), key="same-other")
    assert reply.status_code == 409
    assert reply.json()["type"] == "urn:musterwerk:order-differs"
    assert desk.rows("orders", "SELECT price_minor FROM orders WHERE order_id = 'same'") == [
        (1000,)
    ]


async def test_the_same_key_with_another_order_is_refused(desk: Desk) -> None:
    assert (await desk.post(order("key-1"), key="one-key")).status_code == 202
    reply = await desk.post(order("key-2"), key="one-key")
    assert reply.status_code == 422
    assert reply.json()["type"] == "urn:musterwerk:key-reused"
    await assert_no_trace(desk, "key-2")


async def test_the_spelling_of_an_amount_makes_no_other_order(desk: Desk) -> None:
    first = order("spelling", cents=1250).model_dump(mode="json")
    again = first | {"total": {"amount": "12.5", "currency": "USD"}}
    assert (await desk.post(first, key="spelling")).status_code == 202
    assert (await desk.post(again, key="spelling")).status_code == 202


async def test_the_answer_says_where_to_look(desk: Desk) -> None:
    reply = await desk.post(order("where"), key="where")
    assert reply.status_code == 202
    assert reply.json() == {
        "order_id": "where", "status": "processing", "reason": None, "tracking_number": None,
    }  # fmt: skip
    assert (await desk.http.get(reply.headers["Location"])).json()["order_id"] == "where"


async def test_an_unknown_order_can_be_neither_seen_nor_cancelled(desk: Desk) -> None:
    assert (await desk.http.get("/orders/nobody")).status_code == 404
    reply = await desk.cancel("nobody")
    assert reply.status_code == 404
    assert reply.json()["type"] == "urn:musterwerk:not-found"


async def test_an_order_whose_answer_was_lost_before_it_counted_is_found_again(desk: Desk) -> None:
    """The service died between the start of the workflow and the note that it was accepted."""
    await desk.place(order("lost"))
    await desk.ended("lost")

    forget(desk.data, "lost")
    assert (await desk.view("lost"))["status"] == "fulfilled"
    accepted = desk.rows("orders", "SELECT accepted_at FROM orders WHERE order_id = 'lost'")
    assert accepted[0][0] is not None


async def test_an_order_that_was_received_and_never_started_starts_on_repeat(desk: Desk) -> None:
    """The service died before the start: the customer has no answer, asks again, and gets one."""
    store = OrderStore(desk.data / "orders.sqlite")
    store.receive(order("half"), ReleaseRule())
    store.close()
    assert (await desk.http.get("/orders/half")).status_code == 404
    await desk.place(order("half"))
    assert (await desk.ended("half"))["status"] == "fulfilled"


def forget(data: Path, order_id: str) -> None:
    with closing(sqlite3.connect(data / "orders.sqlite")) as database, database:
        database.execute("DELETE FROM requests WHERE order_id = ?", (order_id,))
        database.execute("UPDATE orders SET accepted_at = NULL WHERE order_id = ?", (order_id,))


async def test_without_temporal_nothing_is_accepted(
    desk: Desk, temporal_server: EmbeddedServer, tmp_path: Path
) -> None:
    """The customer is told to come back, and coming back with the same key works."""
    wanted = order("away").model_dump(mode="json")
    headers = {"Idempotency-Key": "away"}
    inventory = ("--inventory", desk.stack.urls["inventory"], "--isolated")
    service = "musterwerk.shop.services.orders"
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with process(service, tmp_path, *inventory, "--address", f"127.0.0.1:{port}") as alone:
        url = f"{alone.url}/orders"
        reply = await desk.http.post(url, json=wanted, headers=headers)
        assert reply.status_code == 503
        assert reply.headers["Retry-After"] == "1"
    assert rows(tmp_path / "orders.sqlite", "SELECT accepted_at FROM orders") == [(None,)]
    assert rows(tmp_path / "orders.sqlite", "SELECT * FROM requests") == []
    there = ("--address", temporal_server.address, "--task-queue", desk.stack.options.task_queue)
    with process(service, tmp_path, *inventory, *there) as back:
        url = f"{back.url}/orders"
        reply = await desk.http.post(url, json=wanted, headers=headers)
        assert reply.status_code == 202
    assert (await desk.result("away")).status == "fulfilled"
