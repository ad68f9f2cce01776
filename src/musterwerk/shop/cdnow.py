"""Real orders: purchases at the CDNOW music shop in 1997 and 1998.

The file (see `data/README.md`) tells who bought how many CDs when, and for how much in total. It
does not tell which CDs: those are spread over a catalogue of 20 articles by the line number, so
the same purchase is the same order on every machine.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import resources

from musterwerk.shop.model import Line, Money, Order

CATALOGUE = tuple(
    f"CD-{genre}-{number}"
    for genre in ("ROCK", "JAZZ", "SOUL", "FOLK", "OPERA")
    for number in range(101, 105)
)

#: How many purchases the file has.
TOTAL = 6919

#: The share of the orders for which the warehouse is meant to be too small.
SHORT_SHARE = 0.05


@dataclass(frozen=True)
class Purchase:
    """One row. `line` counts from 1 and is the purchase's identity: 21 rows repeat another."""

    line: int
    customer: str
    day: date
    cds: int
    value: Decimal


def purchases() -> list[Purchase]:
    """All rows, in the order of their dates, and of the file within a day."""
    text = resources.files("musterwerk.shop").joinpath("data/cdnow_sample.txt").read_text("ascii")
    rows = [
        _purchase(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()
    ]
    return sorted(rows, key=lambda row: (row.day, row.line))


def orders(count: int) -> list[Order]:
    """The first `count` purchases as orders."""
    return [order_of(row) for row in purchases()[:count]]


def order_of(row: Purchase) -> Order:
    return Order(
        order_id=f"cdnow-{row.line:06}",
        customer_id=f"C-{row.customer}",
        email=f"c-{row.customer}@customers.example",
        lines=_lines(row),
        total=Money(amount=row.value, currency="USD"),
    )


def initial_stock(wanted: Sequence[Order], seed: int) -> dict[str, int]:
    """A warehouse that is too small for about one order in twenty, by seed.

    Three articles lack what their last orders want; of every other article there are a few more
    than all orders need.
    """
    # The seed repeats a run; nothing here is secret.
    chance = random.Random(f"stock {seed}")  # noqa: S311
    demand = _demand(wanted)
    stock = {sku: demand[sku] + chance.randint(0, 3) for sku in CATALOGUE}
    lacking = max(1, round(SHORT_SHARE * len(wanted)))
    short = sorted(chance.sample(sorted(demand), min(3, len(demand), lacking)))
    for index, sku in enumerate(short):
        unlucky = [order for order in wanted if sku in _demand([order])]
        share = lacking // len(short) + (index < lacking % len(short))
        stock[sku] = demand[sku] - _demand(unlucky[-share:])[sku]
    return stock


def scarce(wanted: Sequence[Order], stock: Mapping[str, int]) -> frozenset[str]:
    """The articles of which there are too few for all these orders."""
    return frozenset(sku for sku, units in _demand(wanted).items() if units > stock[sku])


def _purchase(number: int, line: str) -> Purchase:
    customer, _, day, cds, value = line.split()
    return Purchase(
        line=number,
        customer=customer,
        day=date.fromisoformat(day),
        cds=int(cds),
        value=Decimal(value),
    )


def _lines(row: Purchase) -> list[Line]:
    parts = min(row.cds, 1 + row.line % 3)
    each, more = divmod(row.cds, parts)
    # 7 is coprime to the size of the catalogue, so that the parts are different articles.
    return [
        Line(
            sku=CATALOGUE[(row.line + 7 * part) % len(CATALOGUE)],
            quantity=each + (part < more),
        )
        for part in range(parts)
    ]


def _demand(wanted: Iterable[Order]) -> Counter[str]:
    demand: Counter[str] = Counter()
    for order in wanted:
        for line in order.lines:
            demand[line.sku] += line.quantity
    return demand
