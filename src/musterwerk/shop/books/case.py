"""What the books together say about one order, and what may be wrong with that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from musterwerk.shop.books.amounts import sums, units


@dataclass
class Approval:
    """A request to release an order. `votes` are by person and outcome.

    `outcome` is what the inbox says; `ends` are the outcomes of all ends in the audit trail.
    """

    state: str
    is_open: bool
    outcome: str | None
    votes: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    ends: list[str] = field(default_factory=list[str])
    ended_at: datetime | None = None


@dataclass
class Case:
    """Units are by article, money in the smallest units by currency, parcels by state.

    `by_hand` are the refunds that somebody made by hand, by name; `refunded` has them too.

    `price` is None where a service has something for an order that nobody placed. `told` is how
    the order ended in the customer's ears, where that is known.

    `needs_approval` is what the orders service noted, or None where it noted nothing;
    `approval_limit` the price from which on, in the smallest unit. `left_at` is when the parcel
    was made.
    """

    customer: str | None = None
    price: tuple[int, str] | None = None
    ordered: Counter[str] = field(default_factory=Counter[str])
    reserved: Counter[str] = field(default_factory=Counter[str])
    issued: Counter[str] = field(default_factory=Counter[str])
    payers: set[str] = field(default_factory=set[str])
    captured: Counter[str] = field(default_factory=Counter[str])
    refunded: Counter[str] = field(default_factory=Counter[str])
    by_hand: Counter[str] = field(default_factory=Counter[str])
    parcels: Counter[str] = field(default_factory=Counter[str])
    units_handed_over: int = 0
    mails: Counter[str] = field(default_factory=Counter[str])
    told: str | None = None
    needs_approval: bool | None = None
    approval_limit: int | None = None
    approval: Approval | None = None
    left_at: datetime | None = None

    @property
    def kept(self) -> Counter[str]:
        kept = Counter(self.captured)
        kept.subtract(self.refunded)
        return kept

    @property
    def shipped(self) -> bool:
        return self.parcels["handed_over"] > 0


def flaws(case: Case) -> Iterator[str]:
    """Ends of a sentence that begins with the order."""
    yield from _lies(case)
    if case.price is None:
        yield "is in the books of a service, but nobody placed it"
        return
    if any(case.reserved.values()):
        yield f"still holds a reservation of {units(case.reserved)}"
    if case.parcels["created"]:
        yield f"has {case.parcels['created']} parcel(s) that neither left nor were cancelled"
    if strangers := case.payers - {case.customer}:
        yield f"was paid by {', '.join(sorted(strangers))} instead of {case.customer}"
    for kind, number in sorted(case.mails.items()):
        if number > 1:
            yield f"had {number} {kind} mails"
    yield from _flaws_if_shipped(case, *case.price) if case.shipped else _flaws_if_not(case)


def _lies(case: Case) -> Iterator[str]:
    """What was told and is not so."""
    if case.told == "fulfilled":
        if not case.shipped:
            yield "was told to be fulfilled, but nothing was handed over"
        if case.price is not None and case.kept != Counter({case.price[1]: case.price[0]}):
            yield f"was told to be fulfilled, but {sums(case.kept)} was kept for it"
    elif case.told is not None:
        if case.shipped:
            yield f"was told to be {case.told}, but it was handed over"
        if any(case.kept.values()):
            yield f"was told to be {case.told}, but {sums(case.kept)} was kept for it"


def _flaws_if_shipped(case: Case, cents: int, currency: str) -> Iterator[str]:
    owed = Counter({currency: cents})
    if case.parcels["handed_over"] > 1:
        yield f"was handed over {case.parcels['handed_over']} times"
    elif case.units_handed_over != case.ordered.total():
        yield f"left in a parcel of {case.units_handed_over} units, not {case.ordered.total()}"
    if case.issued != case.ordered:
        yield f"was shipped with {units(case.issued)} instead of {units(case.ordered)}"
    if case.kept != owed:
        yield f"was shipped for {sums(case.kept)} instead of {sums(owed)}"
    if case.mails["failure"]:
        yield "was shipped, but the customer was told that it failed"


def _flaws_if_not(case: Case) -> Iterator[str]:
    if any(case.issued.values()):
        yield f"was not shipped, but {units(case.issued)} left the warehouse"
    if any(case.kept.values()):
        yield f"was not shipped, but {sums(case.kept)} of the customer's money were kept"
    if case.mails["confirmation"]:
        yield "was not shipped, but the customer was told that it was"
