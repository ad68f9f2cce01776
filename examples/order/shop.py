"""The world: some stock, a till, a van and an outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from examples.ledger import Ledger


class Shop:
    def __init__(self, stock: int = 10, addresses: frozenset[str] = frozenset()) -> None:
        self.stock = stock
        self.till = 0  # cents
        self.shipped: list[str] = []
        self.mails: list[str] = []
        self.unknown_addresses = addresses
        self._ledger = Ledger()

    def activities(self) -> list[Callable[..., Any]]:
        return [
            self.reserve,
            self.release,
            self.charge,
            self.refund,
            self.ship,
            self.call_back,
            self.confirm,
        ]

    @activity.defn
    async def reserve(self, order: str) -> str:
        if self.stock == 0:
            raise ApplicationError("sold out", type="SoldOut", non_retryable=True)
        return self._ledger.do(lambda: self._move(-1, 0, f"one for {order}"))

    @activity.defn
    async def release(self, order: str, reservation: str | None) -> None:
        self._ledger.undo(lambda _: self._move(1, 0))

    @activity.defn
    async def charge(self, order: str) -> str:
        return self._ledger.do(lambda: self._move(0, 1990, f"19.90 for {order}"))

    @activity.defn
    async def refund(self, order: str, payment: str | None) -> None:
        self._ledger.undo(lambda _: self._move(0, -1990))

    @activity.defn
    async def ship(self, order: str) -> str:
        if order in self.unknown_addresses:
            raise ApplicationError("unknown address", type="NoSuchAddress", non_retryable=True)
        return self._ledger.do(lambda: self._note(self.shipped, f"parcel of {order}"))

    @activity.defn
    async def call_back(self, order: str, parcel: str | None) -> None:
        self._ledger.undo(self.shipped.remove)

    @activity.defn
    async def confirm(self, order: str, parcel: str) -> str:
        return self._ledger.do(lambda: self._note(self.mails, f"your {parcel} is on its way"))

    def _move(self, goods: int, cents: int, what: str = "") -> str:
        self.stock += goods
        self.till += cents
        return what

    @staticmethod
    def _note(where: list[str], what: str) -> str:
        where.append(what)
        return what
