"""Shipping: a parcel on a lorry does not turn round."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from musterwerk.shop.services.shipping.api import tracking_number
from tests.shop.services.harness import Running, rows, slug


def order(order_id: str = "o-1", units: int = 2) -> dict[str, Any]:
    return {"order_id": order_id, "lines": [{"sku": "CD-1", "quantity": units}]}


STATES = "SELECT order_id, state FROM shipments ORDER BY order_id"


def test_a_shipment_is_cancelled_until_it_is_handed_over(shipping: Running, tmp_path: Path) -> None:
    """After the hand-over a cancellation would give back money for goods that arrive."""
    shipping.post("/shipments", "k1", order("o-1"))
    shipping.post("/shipments", "k2", order("o-2"))
    cancelled = shipping.post("/shipments/cancel", "u1", {"order_id": "o-1", "key": "k1"})
    assert cancelled.status_code == 204
    for key in ("h2", "h2", "h3"):
        assert shipping.post("/shipments/handover", key, {"order_id": "o-2"}).status_code == 204
    refused = shipping.post("/shipments/cancel", "u2", {"order_id": "o-2", "key": "k2"})
    assert (refused.status_code, slug(refused)) == (409, "already-handed-over")
    found = rows(tmp_path / "shipping.sqlite", STATES)
    assert found == [("o-1", "cancelled"), ("o-2", "handed_over")]


def test_a_cancelled_shipment_is_not_handed_over(shipping: Running) -> None:
    shipping.post("/shipments", "k1", order())
    shipping.post("/shipments/cancel", "u1", {"order_id": "o-1", "key": "k1"})
    answer = shipping.post("/shipments/handover", "h1", {"order_id": "o-1", "key": "k1"})
    assert (answer.status_code, slug(answer)) == (410, "undone")
    nothing = shipping.post("/shipments/handover", "h2", {"order_id": "o-1"})
    assert (nothing.status_code, slug(nothing)) == (404, "not-found")


def test_the_database_itself_calls_no_parcel_back(shipping: Running, tmp_path: Path) -> None:
    shipping.post("/shipments", "k1", order())
    shipping.post("/shipments/handover", "h1", {"order_id": "o-1"})
    with (
        closing(sqlite3.connect(tmp_path / "shipping.sqlite", timeout=10)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="stays so"),
    ):
        connection.execute("UPDATE shipments SET state = 'cancelled'")


def test_a_cancellation_that_comes_first_stops_the_shipment(
    shipping: Running, tmp_path: Path
) -> None:
    shipping.post("/shipments/cancel", "u1", {"order_id": "o-1", "key": "k1"})
    late = shipping.post("/shipments", "k1", order())
    assert (late.status_code, slug(late)) == (410, "undone")
    assert rows(tmp_path / "shipping.sqlite", STATES) == []


def test_a_repeat_gets_the_same_tracking_number(shipping: Running) -> None:
    """A customer who was told one number must not find the parcel under another."""
    first, again = (shipping.post("/shipments", "k1", order()).json() for _ in range(2))
    assert first == again
    assert first["tracking_number"] == tracking_number("k1")


def test_a_parcel_has_an_end(shipping: Running) -> None:
    answer = shipping.post("/shipments", "k1", order(units=1001))
    assert (answer.status_code, slug(answer)) == (409, "cannot-ship")


def test_an_order_has_one_parcel(shipping: Running) -> None:
    shipping.post("/shipments", "k1", order())
    second = shipping.post("/shipments", "k2", order())
    assert (second.status_code, slug(second)) == (409, "order-taken")


def test_a_typing_error_in_a_tracking_number_shows() -> None:
    digits = [int(digit) for digit in tracking_number("k1").removeprefix("MW")]
    weights = (3, 1) * 5 + (1,)
    total = sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
    assert total % 10 == 0
    for weight in weights:
        assert all(error * weight % 10 for error in range(1, 10))
