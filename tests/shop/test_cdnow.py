"""The real orders: what a sloppy loader would lose, merge or round."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources

from musterwerk.shop import cdnow
from musterwerk.shop.model import Order


def demand(orders: list[Order]) -> Counter[str]:
    wanted: Counter[str] = Counter()
    for order in orders:
        for line in order.lines:
            wanted[line.sku] += line.quantity
    return wanted


def test_no_purchase_cd_or_cent_is_lost_in_loading() -> None:
    orders = cdnow.orders(cdnow.TOTAL)
    assert len(orders) == 6919
    assert len(cdnow.purchases()) == 6919
    assert demand(orders).total() == 16_479
    assert sum(order.total.minor for order in orders) == 244_091_94
    assert sum(order.total.minor >= 100_00 for order in orders) == 303
    assert sum(order.total.minor == 0 for order in orders) == 8


def test_the_first_300_orders_are_the_earliest() -> None:
    orders = cdnow.orders(300)
    assert demand(orders).total() == 634
    assert sum(order.total.minor for order in orders) == 9_835_10
    assert sum(order.total.minor >= 100_00 for order in orders) == 11


def test_a_repeated_row_is_a_separate_order() -> None:
    rows = Counter((row.customer, row.day, row.cds, row.value) for row in cdnow.purchases())
    assert sum(count - 1 for count in rows.values()) == 21
    assert len({order.order_id for order in cdnow.orders(cdnow.TOTAL)}) == 6919


def test_the_same_purchase_is_the_same_order_on_every_machine() -> None:
    first = cdnow.orders(1)[0]
    assert first.model_dump(mode="json") == {
        "order_id": "cdnow-000001",
        "customer_id": "C-00004",
        "email": "c-00004@customers.example",
        "lines": [
            {"sku": "CD-ROCK-102", "quantity": 1},
            {"sku": "CD-SOUL-101", "quantity": 1},
        ],
        "total": {"amount": "29.33", "currency": "USD"},
    }


def test_stock_is_short_for_about_one_order_in_twenty() -> None:
    orders = cdnow.orders(300)
    stock = Counter(cdnow.initial_stock(orders, seed=7))
    refused = 0
    for order in orders:
        if all(stock[line.sku] >= line.quantity for line in order.lines):
            stock.subtract({line.sku: line.quantity for line in order.lines})
        else:
            refused += 1
    assert 9 <= refused <= 21


def test_another_seed_is_another_shortage() -> None:
    orders = cdnow.orders(300)
    assert cdnow.initial_stock(orders, 1) == cdnow.initial_stock(orders, 1)
    assert cdnow.initial_stock(orders, 1) != cdnow.initial_stock(orders, 2)


def test_a_single_order_has_a_warehouse_too() -> None:
    orders = cdnow.orders(1)
    assert min(cdnow.initial_stock(orders, 7).values()) >= 0


def test_the_attribution_stands_beside_the_data() -> None:
    text = resources.files("musterwerk.shop").joinpath("data/README.md").read_text("utf-8")
    assert re.search("Fader.*Hardie", text)
    assert "MIT" in text
