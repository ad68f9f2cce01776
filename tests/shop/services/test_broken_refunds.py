"""Refunds that are broken on purpose: charged for sure, stuck for sure, and mended by people."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from musterwerk.shop.services.faults import SPARED_AFTER, FaultPlan
from musterwerk.shop.services.inventory import api as inventory_api
from musterwerk.shop.services.payment import api as payment_api
from musterwerk.shop.services.shipping import api as shipping_api
from tests.shop.services.harness import SLOW, Running, only, process, rows, service, slug
from tests.shop.services.test_payment import BALANCES, charge

STUCK = frozenset({"o-1"})
WORD = {"order_id": "o-1", "by": "ada", "reason": "the bank's form 7"}
REFUND = {"order_id": "o-1", "key": "k1"}


@pytest.fixture
def broken(tmp_path: Path) -> Generator[Running, None, None]:
    """Payment that has charged o-1 and o-2, and refuses to refund o-1."""
    with service(payment_api.create(tmp_path, STUCK)) as payment:
        for n in (1, 2):
            payment.post("/charges", f"k{n}", charge("12.50", order_id=f"o-{n}"))
        yield payment


def assert_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, slug(answer)) == (409, "refund-refused")


def states(data: Path) -> list[tuple[Any, ...]]:
    return rows(data / "payment.sqlite", "SELECT order_id, state FROM charges ORDER BY order_id")


def test_a_broken_refund_is_refused_and_no_other(broken: Running, tmp_path: Path) -> None:
    for key in ("u1", "u1", "u2"):
        assert_refused(broken.post("/charges/refund", key, REFUND))
    other = broken.post("/charges/refund", "u3", {"order_id": "o-2", "key": "k2"})
    assert other.status_code == 204
    assert states(tmp_path) == [("o-1", "captured"), ("o-2", "refunded")]


def test_a_repaired_refund_works_also_after_a_restart(tmp_path: Path, broken: Running) -> None:
    assert_refused(broken.post("/charges/refund", "u1", REFUND))
    for key in ("p1", "p1", "p2"):
        assert broken.post("/repairs", key, WORD).status_code == 204
    with service(payment_api.create(tmp_path, STUCK)) as again:
        assert again.post("/charges/refund", "u1", REFUND).status_code == 204
    assert states(tmp_path) == [("o-1", "refunded"), ("o-2", "captured")]
    found = rows(tmp_path / "payment.sqlite", "SELECT order_id, by, reason FROM repairs")
    assert found == [("o-1", "ada", "the bank's form 7")]


def test_what_is_not_broken_is_not_repaired(broken: Running) -> None:
    """A typing error in the order would leave the customer without the money."""
    answer = broken.post("/repairs", "p1", {**WORD, "order_id": "o-2"})
    assert (answer.status_code, slug(answer)) == (404, "not-found")


def test_a_refund_by_hand_is_booked_once_and_signed(broken: Running, tmp_path: Path) -> None:
    """Also when the machine's refund works again later: the money goes back only once."""
    given = broken.post("/charges/refund-by-hand", "h1", WORD)
    assert given.json()["refunded"] == {"amount": "12.50", "currency": "USD"}
    assert broken.post("/charges/refund-by-hand", "h1", WORD).json() == given.json()
    twice = broken.post("/charges/refund-by-hand", "h2", WORD)
    assert (twice.status_code, slug(twice)) == (404, "not-found")
    broken.post("/repairs", "p1", WORD)
    assert broken.post("/charges/refund", "u1", REFUND).status_code == 204
    assert slug(broken.http.get("/charges/k1")) == "undone"
    database = tmp_path / "payment.sqlite"
    assert rows(database, BALANCES) == [("customer:C-17", -1250), ("shop:sales", 1250)]
    booked = rows(database, "SELECT transaction_id FROM entries WHERE account = 'shop:sales'")
    paid = given.json()["payment_id"]
    assert booked[-1] == (f"{paid}:refund",)
    signed = rows(database, "SELECT payment_id, order_id, by, reason FROM manual_refunds")
    assert signed == [(paid, "o-1", "ada", "the bank's form 7")]


@pytest.mark.parametrize("field", ["by", "reason"])
@pytest.mark.parametrize("path", ["/repairs", "/charges/refund-by-hand"])
def test_nobody_acts_without_a_name_and_a_reason(broken: Running, path: str, field: str) -> None:
    answer = broken.post(path, "h1", {**WORD, field: "  "})
    assert (answer.status_code, slug(answer)) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("statement", ["DELETE FROM", "UPDATE"])
def test_the_signature_stays(broken: Running, tmp_path: Path, statement: str) -> None:
    broken.post("/charges/refund-by-hand", "h1", WORD)
    change = f"{statement} manual_refunds" + (" SET by = 'eve'" if statement == "UPDATE" else "")
    with (
        closing(sqlite3.connect(tmp_path / "payment.sqlite", timeout=10)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="book a correction"),
    ):
        connection.execute(change)


def test_shipping_refuses_these_orders_only(tmp_path: Path) -> None:
    def parcel(order_id: str) -> dict[str, Any]:
        return {"order_id": order_id, "lines": [{"sku": "CD-1", "quantity": 1}]}

    with service(shipping_api.create(tmp_path, refused=STUCK)) as shipping:
        refused = shipping.post("/shipments", "k1", parcel("o-1"))
        assert (refused.status_code, slug(refused)) == (409, "cannot-ship")
        assert shipping.post("/shipments", "k2", parcel("o-2")).status_code == 200
        undo = shipping.post("/shipments/cancel", "u1", {"order_id": "o-1", "key": "k1"})
        assert undo.status_code == 204


@pytest.mark.parametrize("kind", ["refuse", "fail_before", "lose_reply", "unavailable"])
def test_a_spared_order_is_charged_in_the_end(tmp_path: Path, kind: Any) -> None:
    """A refused or given-up charge would need no refund, and the demo's count would be wrong."""
    plan = only(kind, spared=STUCK, outage=(60, 60))
    with service(payment_api.create(tmp_path), plan) as payment:

        def attempt() -> int:
            try:
                return payment.post("/charges", "k1", charge("12.50")).status_code
            except httpx.RemoteProtocolError:
                return 500

        answers = [attempt() for _ in range(SPARED_AFTER + 1)]
        assert 402 not in answers
        assert all(answer >= 500 for answer in answers[:-1])
        assert answers[-1] == 200
    assert states(tmp_path) == [("o-1", "captured")]


def test_a_spared_order_still_meets_faults_where_they_change_nothing(tmp_path: Path) -> None:
    plan = only("fail_before", spared=STUCK)
    with service(payment_api.create(tmp_path, STUCK), plan) as payment:
        for _ in range(SPARED_AFTER + 2):
            assert payment.post("/charges/refund", "u1", REFUND).status_code == 500


def test_each_article_of_a_spared_order_is_spared_by_itself(tmp_path: Path) -> None:
    """The articles are reserved side by side; one's attempts must not be the other's."""
    plan = FaultPlan(rate=1.0, shares={"fail_before": 1.0}, spared=STUCK)
    with service(inventory_api.create(tmp_path, {"CD-1": 9, "CD-2": 9}), plan) as inventory:
        for sku in ("CD-1", "CD-2"):
            body = {"order_id": "o-1", "sku": sku, "quantity": 1}
            codes = [
                inventory.post("/reservations", sku, body).status_code
                for _ in range(SPARED_AFTER + 1)
            ]
            assert codes == [500] * SPARED_AFTER + [200]


def test_the_orders_come_from_a_file(tmp_path: Path) -> None:
    listing = tmp_path / "broken.json"
    listing.write_text('["o-1"]')
    arguments = ("--broken-refunds", str(listing))
    with process("musterwerk.shop.services.payment", tmp_path, *arguments) as payment:
        answer = httpx.post(
            f"{payment.url}/charges/refund",
            json=REFUND,
            headers={"Idempotency-Key": "u1"},
            timeout=SLOW,
        )
    assert_refused(answer)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((name, '{"o-1": 1}') for name in ("inventory", "payment", "shipping")),
        *(("payment", content) for content in ('["a b"]', "", None)),
    ],
)
def test_a_file_that_is_no_list_of_orders_is_refused(
    tmp_path: Path, name: str, content: str | None
) -> None:
    listing = tmp_path / "broken.json"
    if content is not None:
        listing.write_text(content)
    arguments = ("--broken-refunds", str(listing))
    with process(f"musterwerk.shop.services.{name}", tmp_path, *arguments) as started:
        code, written = started.end()
    assert code == 2
    assert "is no JSON list of order ids" in written
    assert "Traceback" not in written
