"""All books in a data folder, read and judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from musterwerk.shop.books import reading
from musterwerk.shop.books.amounts import digits
from musterwerk.shop.books.case import Case, flaws
from musterwerk.shop.books.releases import flaws_of_release, releases


@dataclass(frozen=True)
class Audit:
    """`money` has the figures by currency; `violations` are sentences, none in good books.

    `approvals` says how many ended how. `refunds_by_hand` are orders, with the names of those
    who refunded them.
    """

    stock: dict[str, int]
    money: dict[str, dict[str, str]]
    mails: dict[str, int]
    approvals: dict[str, int]
    refunds_by_hand: dict[str, list[str]]
    violations: list[str]


def audit(data: Path, told: Mapping[str, str] | None = None) -> Audit:
    """Read the books in this data folder. Nothing may still be at work on them.

    `told` is what the customers were told by order: fulfilled, failed or cancelled.
    """
    cases: defaultdict[str, Case] = defaultdict(Case)
    violations: list[str] = []
    reading.orders(data / "orders.sqlite", cases)
    stock = reading.stock(data / "inventory.sqlite", cases, violations)
    reading.payments(data / "payment.sqlite", cases, violations)
    reading.parcels(data / "shipping.sqlite", cases)
    mails = reading.mails(data, cases, violations)
    approvals = releases(data, cases, violations)
    for order_id, status in (told or {}).items():
        cases[order_id].told = status
    for order_id, case in sorted(cases.items()):
        violations += (
            f"Order {order_id} {flaw}." for flaw in (*flaws(case), *flaws_of_release(case))
        )
    by_hand = {
        order_id: sorted(case.by_hand.elements())
        for order_id, case in sorted(cases.items())
        if case.by_hand
    }
    return Audit(stock, _money(cases), mails, approvals, by_hand, violations)


def _money(cases: Mapping[str, Case]) -> dict[str, dict[str, str]]:
    figures: defaultdict[str, Counter[str]] = defaultdict(Counter[str])
    for case in cases.values():
        for currency, cents in case.captured.items():
            figures[currency].update(captured=cents, kept=cents)
        for currency, cents in case.refunded.items():
            figures[currency].update(refunded=cents, kept=-cents)
        if case.shipped and case.price is not None:
            cents, currency = case.price
            figures[currency].update(owed_for_fulfilled=cents)
    return {
        currency: {
            name: digits(sums[name], currency)
            for name in ("captured", "refunded", "kept", "owed_for_fulfilled")
        }
        for currency, sums in sorted(figures.items())
    }
