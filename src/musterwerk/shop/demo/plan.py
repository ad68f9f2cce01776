"""What a demo will do, decided by the seed before it starts: which orders, and which mischief."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from musterwerk.errors import UsageError
from musterwerk.shop import cdnow
from musterwerk.shop.demo.releases import Way, cancelled, dear, rules, ways
from musterwerk.shop.model import Order
from musterwerk.shop.release import ReleaseRules

#: The share of the orders that a nervous client posts twice.
TWICE_SHARE = 0.1

#: A cancelled order is cancelled this long after it was first seen processing, at the latest.
LATEST_CANCEL = 1.0


@dataclass(frozen=True)
class DemoOptions:
    data: Path
    orders: int = 300
    seed: int = 7
    faults: float = 0.2
    cancel: float = 0.03
    broken_refunds: int = 0
    workers: int = 2
    kill_workers: int = 1
    address: str | None = None
    at_once: int = 40

    @property
    def deadline(self) -> float:
        """Seconds until whatever is still open is given up; generous for a busy machine."""
        return 300 + 3.0 * self.orders


@dataclass(frozen=True)
class Plan:
    """`cancels` tells how many seconds after an order was first seen processing it is cancelled.

    The orders in `broken_refunds` are charged, then fail, and cannot be refunded by the machine.
    Those in `thought_over` are cancelled while they wait for an approval; `ways` says what
    becomes of the others that need one.
    """

    orders: Sequence[Order]
    stock: Mapping[str, int]
    twice: frozenset[str]
    cancels: Mapping[str, float]
    kill_after: Sequence[int]
    release: ReleaseRules
    ways: Mapping[str, Way]
    thought_over: frozenset[str]
    broken_refunds: Sequence[str] = ()


def draw(options: DemoOptions, suffix: str = "") -> Plan:
    """The same seed draws the same plan. `suffix` sets the order ids apart on a shared server.

    Raises UsageError where fewer orders than wished can have a broken refund.
    """
    # The seed repeats a run; nothing here is secret.
    chance = random.Random(f"demo {options.seed}")  # noqa: S311
    orders = [
        order.model_copy(update={"order_id": order.order_id + suffix})
        for order in cdnow.orders(options.orders)
    ]
    ids = [order.order_id for order in orders]
    stock = cdnow.initial_stock(orders, options.seed)
    twice = frozenset(chance.sample(ids, round(TWICE_SHARE * len(ids))))
    limit = dear(orders)
    needing = [order.order_id for order in orders if order.total.minor >= limit]
    cancels = {
        order_id: chance.uniform(0, LATEST_CANCEL)
        for order_id in cancelled(chance, ids, needing, round(options.cancel * len(ids)))
    }
    broken = _broken_refunds(options, orders, stock, cancels)
    decided = ways(options.seed, needing, cancels, broken)
    return Plan(
        orders=orders,
        stock=stock,
        twice=twice,
        cancels=cancels,
        broken_refunds=broken,
        release=rules(limit, decided),
        ways=decided,
        thought_over=frozenset(needing) & cancels.keys(),
        kill_after=[
            round(len(ids) * kill / (options.kill_workers + 1))
            for kill in range(1, options.kill_workers + 1)
        ],
    )


def _broken_refunds(
    options: DemoOptions,
    orders: Sequence[Order],
    stock: Mapping[str, int],
    cancels: Mapping[str, float],
) -> list[str]:
    """Orders that nothing but shipping will stop: they will surely have been charged by then."""
    scarce = cdnow.scarce(orders, stock)
    able = [
        order.order_id
        for order in orders
        if order.total.amount
        and order.order_id not in cancels
        and scarce.isdisjoint(line.sku for line in order.lines)
    ]
    if options.broken_refunds > len(able):
        raise UsageError(
            f"--broken-refunds is {options.broken_refunds}; of these {len(orders)} orders only "
            f"{len(able)} cost something, are not cancelled and find all their articles in stock"
        )
    # Drawn by itself, so that it changes nothing else of the plan. Nothing here is secret.
    chance = random.Random(f"broken refunds {options.seed}")  # noqa: S311
    return sorted(chance.sample(able, options.broken_refunds))
