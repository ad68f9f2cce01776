"""Which orders of a demo need an approval, and what its approvers make of each."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from musterwerk.approvals import Policy
from musterwerk.shop.model import Order
from musterwerk.shop.release import POLICY, ReleaseRules

#: What becomes of a request. "twice" and "at_once" are approvals with something else beside.
Way = Literal["approve", "reject", "expire", "twice", "at_once"]

#: The share of the orders that are dear enough to need an approval.
SHARE = 0.15

#: Of the cancelled orders so many, and at least one, are cancelled while people think.
CANCELLED_SHARE = 0.25

#: The rest is approved.
SHARES: Mapping[Way, float] = {"reject": 0.15, "expire": 0.08, "twice": 0.12, "at_once": 0.12}

#: What nobody looks at expires after this long; all else has days.
BRIEF = timedelta(seconds=2)


def dear(orders: Sequence[Order]) -> int:
    """The price from which on about one order in seven needs an approval."""
    prices = sorted((order.total.minor for order in orders), reverse=True)
    return max(1, prices[max(1, round(SHARE * len(prices))) - 1])


def cancelled(
    chance: random.Random, ids: Sequence[str], needing: Sequence[str], count: int
) -> list[str]:
    """`count` orders that are cancelled, some of them while people think."""
    waiting = min(len(needing), max(1, round(CANCELLED_SHARE * count))) if count else 0
    picked = chance.sample(needing, waiting)
    others = [order_id for order_id in ids if order_id not in picked]
    return picked + chance.sample(others, count - waiting)


def ways(
    seed: int, needing: Sequence[str], cancels: Collection[str], to_be_shipped: Collection[str]
) -> dict[str, Way]:
    """What becomes of each request that the customer does not call off.

    Each way has at least one, if there are enough. Those of `to_be_shipped` are approved instead.
    """
    free = [order_id for order_id in needing if order_id not in cancels]
    drawn: list[Way] = []
    for way, share in SHARES.items():
        drawn.extend(way for _ in range(max(1, round(share * len(free)))))
    drawn = drawn[: len(free)]
    drawn.extend("approve" for _ in range(len(free) - len(drawn)))
    # Drawn by itself, so that it changes nothing else of the plan. Nothing here is secret.
    random.Random(f"approvals {seed}").shuffle(drawn)  # noqa: S311
    approved: dict[str, Way] = {one: "approve" for one in free if one in to_be_shipped}
    return dict(zip(free, drawn, strict=True)) | approved


def rules(limit: int, ways: Mapping[str, Way]) -> ReleaseRules:
    brief: Policy = POLICY.model_copy(update={"expires_after": BRIEF, "escalations": ()})
    forgotten = [order_id for order_id, way in ways.items() if way == "expire"]
    return ReleaseRules(limit_minor=limit, policies=dict.fromkeys(forgotten, brief))
