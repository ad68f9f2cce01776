"""Payment: every cent is somebody's money."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.shop.services.harness import Running, rows, slug

BALANCES = (
    "SELECT account, sum(amount_minor) FROM entries GROUP BY account, currency ORDER BY account"
)


def charge(amount: Any, order_id: str = "o-1", currency: str = "USD") -> dict[str, Any]:
    money = {"amount": amount, "currency": currency}
    return {"order_id": order_id, "customer_id": "C-17", "amount": money}


def test_refund_is_what_was_captured_not_the_order_amount(payment: Running, tmp_path: Path) -> None:
    """An order that changed its price after the charge must not be refunded the new one."""
    captured = payment.post("/charges", "k1", charge("12.50")).json()
    assert captured["captured"] == {"amount": "12.50", "currency": "USD"}
    wish = {"order_id": "o-1", "key": "k1", "amount": {"amount": "99.00", "currency": "USD"}}
    assert payment.post("/charges/refund", "u0", wish).status_code == 422
    answer = payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": "k1"})
    assert answer.status_code == 204
    books = rows(tmp_path / "payment.sqlite", "SELECT account, amount_minor FROM entries")
    assert books == [
        ("customer:C-17", -1250),
        ("shop:sales", 1250),
        ("shop:sales", -1250),
        ("customer:C-17", 1250),
    ]


@pytest.mark.parametrize("amount", [12.5, 12, 1e2, True])
def test_float_money_is_refused(payment: Running, tmp_path: Path, amount: Any) -> None:
    """0.1 + 0.2 is not 0.3: an amount that was a binary float is refused, not rounded."""
    answer = payment.post("/charges", "k1", charge(amount))
    assert (answer.status_code, slug(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == "amount.amount"
    assert rows(tmp_path / "payment.sqlite", "SELECT * FROM charges") == []


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("-1.00", "USD"), ("1.005", "USD"), ("1.5", "JPY"), ("1", "XXX"), ("NaN", "USD"), ("", "USD")],
)
def test_amounts_that_are_none_are_refused(payment: Running, amount: str, currency: str) -> None:
    answer = payment.post("/charges", "k1", charge(amount, currency=currency))
    assert (answer.status_code, slug(answer)) == (422, "invalid")


def test_nothing_is_not_charged(payment: Running) -> None:
    answer = payment.post("/charges", "k1", charge("0.00"))
    assert (answer.status_code, slug(answer)) == (422, "invalid")
    assert "nothing to charge" in answer.json()["detail"]


def test_a_charge_above_the_limit_is_declined(payment: Running, tmp_path: Path) -> None:
    answer = payment.post("/charges", "k1", charge("5000.01"))
    assert (answer.status_code, slug(answer)) == (402, "card-declined")
    assert rows(tmp_path / "payment.sqlite", "SELECT * FROM entries") == []
    assert payment.post("/charges", "k2", charge("5000.00")).status_code == 200


@pytest.mark.parametrize("second_key", ["u1", "u2"])
def test_a_refund_happens_once(payment: Running, tmp_path: Path, second_key: str) -> None:
    """A refund that is tried again, by whomever, must not pay out twice."""
    payment.post("/charges", "k1", charge("12.50"))
    for key in ("u1", second_key):
        answer = payment.post("/charges/refund", key, {"order_id": "o-1", "key": "k1"})
        assert answer.status_code == 204
    assert rows(tmp_path / "payment.sqlite", BALANCES) == [("customer:C-17", 0), ("shop:sales", 0)]
    assert rows(tmp_path / "payment.sqlite", "SELECT count(*) FROM entries") == [(4,)]


def test_a_refund_before_the_charge_stops_the_charge(payment: Running, tmp_path: Path) -> None:
    """A charge that was held up on its way must not take the money after its refund."""
    first = payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": "k1"})
    assert first.status_code == 204
    late = payment.post("/charges", "k1", charge("12.50"))
    assert (late.status_code, slug(late)) == (410, "undone")
    assert rows(tmp_path / "payment.sqlite", "SELECT * FROM entries") == []


@pytest.mark.parametrize("key", ["k1", "odd/key?of#us%2F"])
def test_a_charge_is_found_by_its_key(payment: Running, key: str) -> None:
    """Whoever lost the answer asks what became of the charge, before they decide anything."""
    address = f"/charges/{quote(key, safe='')}"
    missing = payment.http.get(address)
    assert (missing.status_code, slug(missing)) == (404, "not-found")
    made = payment.post("/charges", key, charge("12.50"))
    assert payment.get(address) == made.json()
    payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": key})
    undone = payment.http.get(address)
    assert (undone.status_code, slug(undone)) == (410, "undone")


def test_a_charge_that_will_never_be_is_undone_too(payment: Running) -> None:
    payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": "k1"})
    stopped = payment.http.get("/charges/k1")
    assert (stopped.status_code, slug(stopped)) == (410, "undone")


def test_a_charge_that_was_declined_has_not_landed(payment: Running) -> None:
    payment.post("/charges", "k1", charge("5000.01"))
    assert slug(payment.http.get("/charges/k1")) == "not-found"


def test_the_key_of_a_charge_is_no_key_for_its_refund(payment: Running) -> None:
    """One key for both would replay the charge's answer, and nobody would get money back."""
    payment.post("/charges", "k1", charge("12.50"))
    payment.post("/charges", "k2", charge("1.00", order_id="o-2"))
    assert payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": "k1"}).is_success
    reused = payment.post("/charges/refund", "u1", {"order_id": "o-2", "key": "k2"})
    assert (reused.status_code, slug(reused)) == (422, "key-reused")
    step = "charge_payment-" + "0" * 40
    swapped = payment.post("/charges", f"{step}:undo", charge("1.00", order_id="o-3"))
    assert (swapped.status_code, slug(swapped)) == (422, "invalid")


def test_a_refund_needs_the_right_order(payment: Running, tmp_path: Path) -> None:
    payment.post("/charges", "k1", charge("12.50"))
    answer = payment.post("/charges/refund", "u1", {"order_id": "o-2", "key": "k1"})
    assert (answer.status_code, slug(answer)) == (422, "key-reused")
    assert rows(tmp_path / "payment.sqlite", "SELECT state FROM charges") == [("captured",)]


def test_an_order_is_paid_once(payment: Running) -> None:
    payment.post("/charges", "k1", charge("12.50"))
    second = payment.post("/charges", "k2", charge("12.50"))
    assert (second.status_code, slug(second)) == (409, "order-taken")


def test_every_transaction_sums_to_zero(payment: Running, tmp_path: Path) -> None:
    for n, (amount, currency) in enumerate([("0.01", "EUR"), ("99.99", "USD"), ("500", "JPY")]):
        payment.post("/charges", f"k{n}", charge(amount, f"o-{n}", currency))
    payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": "k1"})
    uneven = (
        "SELECT transaction_id FROM entries GROUP BY transaction_id, currency"
        " HAVING sum(amount_minor) <> 0"
    )
    assert rows(tmp_path / "payment.sqlite", uneven) == []
    kept = (
        "SELECT currency, sum(amount_minor) FROM entries WHERE account = 'shop:sales'"
        " GROUP BY currency ORDER BY currency"
    )
    assert rows(tmp_path / "payment.sqlite", kept) == [("EUR", 1), ("JPY", 500), ("USD", 0)]
