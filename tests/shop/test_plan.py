"""What a demo is going to do with the orders that need an approval."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from musterwerk.shop.demo.plan import DemoOptions, draw
from musterwerk.shop.demo.releases import BRIEF


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("orders", [20, 300, 1000])
def test_every_way_to_decide_has_its_orders(tmp_path: Path, seed: int, orders: int) -> None:
    options = DemoOptions(data=tmp_path, orders=orders, seed=seed, cancel=0.1, broken_refunds=2)
    plan = draw(options)
    needing = {o.order_id for o in plan.orders if plan.release.of(o).applies_to(o)}
    assert 0.1 * orders <= len(needing) <= 0.2 * orders
    assert plan.ways.keys() | plan.thought_over == needing
    assert plan.thought_over <= plan.cancels.keys()
    assert plan.ways.keys().isdisjoint(plan.cancels)
    assert len(plan.cancels) == round(0.1 * orders)
    assert plan.thought_over
    for order_id in needing.intersection(plan.broken_refunds):
        assert plan.ways[order_id] == "approve"
    if orders > 100:
        ways = Counter(plan.ways.values())
        assert set(ways) == {"approve", "reject", "expire", "twice", "at_once"}
        assert ways["approve"] > len(plan.ways) / 3


def test_only_what_nobody_looks_at_expires_soon(tmp_path: Path) -> None:
    plan = draw(DemoOptions(data=tmp_path))
    brief = {o.order_id for o in plan.orders if plan.release.of(o).policy.expires_after == BRIEF}
    assert brief == {order_id for order_id, way in plan.ways.items() if way == "expire"}
    assert brief


def test_the_same_seed_decides_the_same(tmp_path: Path) -> None:
    options = DemoOptions(data=tmp_path)
    assert draw(options).ways == draw(options).ways
    assert draw(options).ways != draw(DemoOptions(data=tmp_path, seed=8)).ways


def test_nobody_cancels_where_nobody_is_to(tmp_path: Path) -> None:
    plan = draw(DemoOptions(data=tmp_path, cancel=0))
    assert (plan.cancels, plan.thought_over) == ({}, frozenset())
    everybody = draw(DemoOptions(data=tmp_path, cancel=1))
    assert len(everybody.cancels) == 300
    assert everybody.ways == {}
