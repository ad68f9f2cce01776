"""Do orders, payment, warehouse and shipping tell the same story of an order? Pure.

The auditor of the demo (`books/`) reads the databases and shares nothing with this; it also knows
articles and mails. This is what a shop can do every night with what its services tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from musterwerk.shop.model import BookEntry, Money, Wire

Service = Literal["orders", "payment", "inventory", "shipping"]
SERVICES: tuple[Service, ...] = ("orders", "payment", "inventory", "shipping")

_NOTHING = BookEntry(order_id="none")


class Discrepancy(Wire):
    """`kind` is for machines, `words` end a sentence that begins with the order. `known` is what
    the run before has told of already."""

    order_id: str
    kind: str
    words: str
    known: bool = False


class Reconciliation(Wire):
    """`orders` are in some book. `in_flight` do not agree, and are worked on still. Of the
    discrepancies the first hundred are here; `found` counts all."""

    due: str | None = None
    orders: int = 0
    in_flight: int = 0
    found: int = 0
    discrepancies: list[Discrepancy] = Field(default_factory=list[Discrepancy])


def known_from(before: Reconciliation, now: Reconciliation) -> Reconciliation:
    """What is new comes first. Unchanged is what has the same words, for the same order."""
    told = {(one.order_id, one.kind, one.words) for one in before.discrepancies}
    marked = [
        one.model_copy(update={"known": (one.order_id, one.kind, one.words) in told})
        for one in now.discrepancies
    ]
    return now.model_copy(update={"discrepancies": sorted(marked, key=lambda one: one.known)})


def discrepancies(order_id: str, books: Mapping[Service, BookEntry]) -> Iterator[Discrepancy]:
    """`books` are the services' entries for the order; of those that have none nothing is known."""
    for kind, words in _flaws(*(books.get(service, _NOTHING) for service in SERVICES)):
        yield Discrepancy(order_id=order_id, kind=kind, words=words)


def _flaws(
    order: BookEntry, payment: BookEntry, stock: BookEntry, parcel: BookEntry
) -> Iterator[tuple[str, str]]:
    kept = ", ".join(map(_said, payment.kept)) or "nothing"
    if order.price is None:
        yield "unknown", "is in the books of a service, but nobody placed it"
    if parcel.left:
        # What costs nothing is not charged.
        owed = [order.price] if order.price and order.price.amount else []
        if payment.kept != owed:
            price = _said(order.price) if order.price else "an unknown price"
            yield "paid_otherwise", f"was shipped for {kept} instead of {price}"
        ordered = parcel.left if order.ordered is None else order.ordered
        if not ordered == stock.issued == parcel.left:
            yield (
                "shipped_otherwise",
                f"left in a parcel of {parcel.left} units, and {stock.issued} left the warehouse; "
                f"{ordered} were ordered",
            )
    else:
        if payment.kept:
            yield "paid_unshipped", f"was not shipped, and {kept} was kept"
        if stock.issued:
            yield "gone_unshipped", f"was not shipped, and {stock.issued} units left the warehouse"
    if stock.reserved:
        yield "held", f"still holds {stock.reserved} units in the warehouse"
    if parcel.waiting:
        yield (
            "waiting",
            f"has a parcel of {parcel.waiting} units that neither left nor was cancelled",
        )


def _said(money: Money) -> str:
    return f"{money.amount} {money.currency}"
