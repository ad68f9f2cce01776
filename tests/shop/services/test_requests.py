"""What every service does with any request: keys, bodies, problems, its own description."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import APIRouter

from musterwerk.shop.services.app import Service
from musterwerk.shop.services.idempotency import Key
from tests.shop.services.harness import SLOW, Running, rows, service, slug

RESERVE = {"order_id": "o-1", "sku": "CD-1", "quantity": 1}
JSON = {"content-type": "application/json", "Idempotency-Key": "k1"}


@pytest.mark.parametrize("key", [None, "", "a b", "x" * 201, "schlüssel".encode()])
def test_a_change_without_a_proper_key_is_refused(inventory: Running, key: Any) -> None:
    """Without one a lost answer leaves the caller no way to try again safely."""
    headers = [] if key is None else [("Idempotency-Key", key)]
    answer = inventory.http.post("/reservations", json=RESERVE, headers=headers)
    assert (answer.status_code, slug(answer)) == (400, "missing-key")


def test_a_repeat_replays_the_recorded_answer(inventory: Running) -> None:
    """Also when it would be refused by now: the effect has happened, and this is what it was."""
    first = inventory.post("/reservations", "k1", {**RESERVE, "order_id": "o-1"})
    inventory.post("/reservations", "k2", {**RESERVE, "order_id": "o-2"})
    again = inventory.post("/reservations", "k1", {**RESERVE, "order_id": "o-1"})
    assert (again.status_code, again.content) == (first.status_code, first.content)


def test_the_same_key_with_other_content_is_refused(inventory: Running) -> None:
    inventory.post("/reservations", "k1", RESERVE)
    other = inventory.post("/reservations", "k1", {**RESERVE, "order_id": "o-2"})
    assert (other.status_code, slug(other)) == (422, "key-reused")


def test_a_key_that_is_under_way_is_refused() -> None:
    """Two copies at once must not both be worked on, nor may the second wait for ever."""
    reached, leave = threading.Event(), threading.Event()

    def slow(key: Key) -> str:
        reached.set()
        assert leave.wait(20)
        return key

    router = APIRouter()
    router.add_api_route("/slow", slow, methods=["POST"])
    with (
        service(Service("slow", router, close=lambda: None)) as running,
        ThreadPoolExecutor() as pool,
    ):
        first = pool.submit(running.post, "/slow", "k1", None)
        try:
            assert reached.wait(20)
            second = running.post("/slow", "k1", None)
            assert (second.status_code, slug(second)) == (409, "in-flight")
        finally:
            leave.set()
        assert first.result().json() == "k1"
        assert running.post("/slow", "k1", None).status_code == 200


def test_a_large_body_is_refused(inventory: Running, tmp_path: Path) -> None:
    answer = inventory.http.post("/reservations", content=b" " * 3_000_000, headers=JSON)
    assert (answer.status_code, slug(answer)) == (413, "too-large")
    assert rows(tmp_path / "inventory.sqlite", "SELECT * FROM musterwerk_effects") == []


def test_a_large_body_is_refused_before_it_is_sent(inventory: Running) -> None:
    """Who announces 3 MB gets the answer at once; nobody holds that much in memory."""
    url = httpx.URL(inventory.url)
    head = b"POST /reservations HTTP/1.1\r\nHost: shop\r\nContent-Length: 3000000\r\n\r\n"
    with socket.create_connection((url.host, cast(int, url.port)), timeout=SLOW) as connection:
        connection.sendall(head + b"{")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_first_is_spared_the_sending(inventory: Running) -> None:
    """curl asks before it sends a large body, and takes anything but 100 for the answer."""
    url = httpx.URL(inventory.url)
    head = (
        b"POST /reservations HTTP/1.1\r\nHost: shop\r\nContent-Length: 3000000\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((url.host, cast(int, url.port)), timeout=SLOW) as connection:
        connection.sendall(head)
        with connection.makefile("rb") as answer:
            assert answer.read().startswith(b"HTTP/1.1 413 ")


def test_a_body_of_unknown_length_is_cut_off(inventory: Running) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(3_000):
            yield b" " * 1_000

    answer = inventory.http.post("/reservations", content=endless(), headers=JSON)
    assert (answer.status_code, slug(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b"[" * 100_000, b"1" * 5_000, b"null", b"NaN", b'"\\ud800"']
)
def test_what_is_not_json_is_refused_clearly(inventory: Running, body: bytes) -> None:
    answer = inventory.http.post("/reservations", content=body, headers=JSON)
    assert (answer.status_code, slug(answer)) == (422, "invalid")
    assert answer.json()["detail"]


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "2", True, 10**30])
def test_a_quantity_that_is_none_is_refused_by_its_field(inventory: Running, quantity: Any) -> None:
    body = {"order_id": "o-1", "sku": "CD-1", "quantity": quantity}
    answer = inventory.post("/reservations", "k1", body)
    assert (answer.status_code, slug(answer)) == (422, "invalid")
    assert [error["field"] for error in answer.json()["errors"]] == ["quantity"]


def test_an_unknown_field_is_refused(inventory: Running) -> None:
    """A misspelt field that is ignored would do something else than was asked."""
    answer = inventory.post("/reservations", "k1", {**RESERVE, "quantitiy": 2})
    assert (answer.status_code, slug(answer)) == (422, "invalid")


def test_wrong_addresses_are_problems_too(inventory: Running) -> None:
    assert slug(inventory.http.get("/nothing")) == "not-found"
    assert slug(inventory.http.get("/reservations")) == "method-not-allowed"
    assert slug(inventory.post("/nothing", "k1", {})) == "not-found"


def test_a_bug_in_a_service_is_a_problem_too() -> None:
    """And it says nothing of the service's inside to whoever is outside."""

    def broken() -> None:
        raise RuntimeError("secret")

    router = APIRouter()
    router.add_api_route("/broken", broken, methods=["POST"])
    with service(Service("broken", router, close=lambda: None)) as running:
        answer = running.post("/broken", "k1", None)
    assert (answer.status_code, slug(answer)) == (500, "internal")
    assert "secret" not in answer.text


def test_a_database_that_fails_is_an_outage(payment: Running, tmp_path: Path) -> None:
    """Not a refusal: the caller is to come again, and then it must work."""
    body = {
        "order_id": "o-1",
        "customer_id": "C-1",
        "amount": {"amount": "1.00", "currency": "EUR"},
    }
    database = tmp_path / "payment.sqlite"
    with closing(sqlite3.connect(database, isolation_level=None)) as hand:
        hand.execute("ALTER TABLE charges RENAME TO gone")
        down = payment.post("/charges", "k1", body)
        assert (down.status_code, slug(down)) == (503, "unavailable")
        hand.execute("ALTER TABLE gone RENAME TO charges")
    assert payment.post("/charges", "k1", body).status_code == 200


def test_health_names_the_service(payment: Running) -> None:
    assert payment.get("/health") == {"status": "ok", "service": "payment"}


@pytest.mark.parametrize("name", ["inventory", "payment", "shipping", "mail"])
def test_the_service_describes_itself(name: str, request: pytest.FixtureRequest) -> None:
    """Whoever writes a client from the description must learn of the key and the problems."""
    document = cast(Running, request.getfixturevalue(name)).get("/openapi.json")
    assert document["openapi"].startswith("3.")
    changes = [operation["post"] for operation in document["paths"].values() if "post" in operation]
    assert changes
    for operation in changes:
        headers = [p for p in operation["parameters"] if p["in"] == "header"]
        assert [(p["name"], p["required"]) for p in headers] == [("Idempotency-Key", True)]
        assert {"400", "409", "413", "422", "503"} <= operation["responses"].keys()
        problem = operation["responses"]["409"]["content"]["application/problem+json"]
        assert problem["schema"]["required"] == ["type", "title", "status", "detail"]
    for reference in _references(document):
        at: Any = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for item in cast("list[Any]", node):
            yield from _references(item)
