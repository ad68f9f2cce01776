"""What services tell of their books: page by page, by order, whatever became of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.shop.services.harness import Running, slug


def charge(order_id: str) -> dict[str, Any]:
    amount = {"amount": "12.50", "currency": "EUR"}
    return {"order_id": order_id, "customer_id": "C-1", "amount": amount}


def test_page_by_page(payment: Running) -> None:
    for number in range(5):
        assert payment.post("/charges", f"k{number}", charge(f"o-{number}")).is_success
    payment.post("/charges/refund", "u3", {"order_id": "o-3", "key": "k3"})
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        page = payment.get(f"/book?after={after}&limit=2")
        found += page["entries"]
        if page["next"] is None:
            break
        after = page["next"]
    assert [one["order_id"] for one in found] == [f"o-{number}" for number in range(5)]
    kept = [{"amount": "12.50", "currency": "EUR"}]
    assert [one["kept"] for one in found] == [kept, kept, kept, [], kept]
    assert payment.get("/book?order=o-3")["entries"] == [found[3]]
    assert payment.get("/book?order=nobody") == {"entries": [], "next": None}


def test_charged_again_after_a_refund(payment: Running) -> None:
    payment.post("/charges", "k1", charge("o-1"))
    payment.post("/charges/refund", "u1", {"order_id": "o-1", "key": "k1"})
    other = charge("o-1") | {"amount": {"amount": "1300", "currency": "JPY"}}
    assert payment.post("/charges", "k2", other).is_success
    (entry,) = payment.get("/book?order=o-1")["entries"]
    assert entry["kept"] == [{"amount": "1300", "currency": "JPY"}]


def test_parcels_and_stock_by_state(shipping: Running, inventory: Running) -> None:
    lines = [{"sku": "CD-1", "quantity": 2}]
    shipping.post("/shipments", "k1", {"order_id": "o-1", "lines": lines})
    inventory.post("/reservations", "r1", {"order_id": "o-1", **lines[0]})
    (parcel,), (stock,) = shipping.get("/book")["entries"], inventory.get("/book")["entries"]
    assert (parcel["waiting"], parcel["left"]) == (2, 0)
    assert (stock["reserved"], stock["issued"]) == (2, 0)
    shipping.post("/shipments/handover", "h1", {"order_id": "o-1"})
    inventory.post("/reservations/issue", "i1", {"order_id": "o-1"})
    (parcel,), (stock,) = shipping.get("/book")["entries"], inventory.get("/book")["entries"]
    assert (parcel["waiting"], parcel["left"]) == (0, 2)
    assert (stock["reserved"], stock["issued"]) == (0, 2)


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=many", "order=../x"])
def test_questions_that_make_no_sense(payment: Running, query: str) -> None:
    answer = payment.http.get(f"/book?{query}")
    assert (answer.status_code, slug(answer)) == (422, "invalid")
