"""Worlds of whole processes: the order desk with its approvers, and an office that only decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from musterwerk.shop.activities import ShopActivities
from musterwerk.shop.model import Line, Order
from musterwerk.shop.staff import STAFF
from musterwerk.testing import Effects
from tests.explored.office import MemoryOffice
from tests.explored.services import MemoryServices, total

CHEAP, DEAR = 2933, 30_000


def order(cents: int) -> Order:
    return Order(
        order_id="O-1",
        customer_id="C-1",
        email="c-1@customers.example",
        lines=[Line(sku="CD-1", quantity=2)],
        total=total(cents),
    )


class Desk:
    """Plenty of everything, and everybody at work."""

    def __enter__(self) -> Self:
        self.services = MemoryServices({"CD-1": 10})
        self.office = MemoryOffice(STAFF["people"])
        return self

    def __exit__(self, *_: object) -> None: ...

    @property
    def effects(self) -> Effects:
        return self.services.effects

    def activities(self) -> list[Callable[..., Any]]:
        return [*ShopActivities(self.services).all(), *self.office.activities()]

    def state(self) -> object:
        return (self.services.state(), self.office.state())
