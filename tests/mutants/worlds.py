"""Worlds to run an order in: the activities of the shop's services, honest or with a known flaw.

In `World` a step is told its key. `SagaWorld`, in `saga_worlds.py`, asks `step_key()` for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from temporalio import activity

from tests.mutants.books import PRICE, Shop, Undo


class World(Shop):
    """Every service takes keys and leaves tombstones: a late step is refused after its undo."""

    @activity.defn
    async def reserve(self, key: str) -> str:
        return self.stock.do(key)

    @activity.defn
    async def release(self, key: str) -> None:
        self.stock.undo(key)

    @activity.defn
    async def charge(self, key: str) -> str:
        return self.payments.do(key, PRICE)

    @activity.defn
    async def refund(self, key: str) -> None:
        self.pay_back(key)

    @activity.defn
    async def refund_amount(self, key: str, amount: str) -> None:
        """An amount that the caller has worked out."""
        self.pay_back(key, Decimal(amount))

    @activity.defn
    async def refund_receipt(self, receipt: str) -> None:
        """By what `charge` answered."""
        self.pay_back(receipt.removeprefix("payment:"))

    @activity.defn
    async def ship(self, key: str) -> str:
        return self.parcels.do(key)

    @activity.defn
    async def call_back(self, key: str) -> None:
        self.parcels.undo(key)

    @activity.defn
    async def wrap(self, key: str) -> str:
        return self.wraps.do(key)

    @activity.defn
    async def unwrap(self, key: str) -> None:
        self.wraps.undo(key)

    @activity.defn
    async def tell(self, order: str) -> str:
        """The mail that says that the parcel is on its way."""
        self.mails.add(order)
        return "told"

    @activity.defn
    async def promise(self, order: str) -> str:
        """The customer is told that the order is cancelled."""
        self.promises.add(order)
        return "promised"

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [
            self.reserve,
            self.release,
            self.charge,
            self.refund,
            self.refund_amount,
            self.refund_receipt,
            self.ship,
            self.call_back,
            self.wrap,
            self.unwrap,
            self.tell,
            self.promise,
        ]


class TwoPieces(World):
    """For orders of two articles."""

    pieces = 2


class WithoutTombstones(World):
    """Flaw: an undo that finds nothing is forgotten, so a late step has its effect after it."""

    tombstones = False


class WithoutKeys(World):
    """Flaw: what comes twice is done twice."""

    keys = False


class BlindRefunds(World):
    """Flaw: a refund pays whenever it is asked, whether or not anything was paid."""

    refunds: Undo = "blind"


class RepeatedRefunds(World):
    """Flaw: a payment is refunded as often as a refund is asked for."""

    refunds: Undo = "repeated"


class KeyPerAttempt(World):
    """Flaw: the key that the payment service is given differs for each attempt.

    A refund takes back the last payment of the order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, str] = {}

    def state(self) -> object:
        return super().state(), self.last

    @activity.defn
    async def charge(self, key: str) -> str:
        attempt = f"{key}#{activity.info().attempt}"
        self.last[key] = attempt
        return self.payments.do(attempt, PRICE)

    @activity.defn
    async def refund(self, key: str) -> None:
        self.pay_back(self.last.get(key, f"{key}#1"))


class FreshKeys(World):
    """Flaw: each call makes up a new key, as with a random one; nothing is ever deduplicated."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, list[str]] = {}

    def state(self) -> object:
        return super().state(), self.calls

    @activity.defn
    async def charge(self, key: str) -> str:
        calls = self.calls.setdefault(key, [])
        calls.append(f"{key}#call{len(calls)}")
        return self.payments.do(calls[-1], PRICE)

    @activity.defn
    async def refund(self, key: str) -> None:
        for call in self.calls.get(key, [f"{key}#call0"])[-1:]:
            self.pay_back(call)


class OneTableOfKeys(World):
    """Flaw: the refund goes under the key of the charge, which the service has seen already.

    It does nothing and answers as before.
    """

    @activity.defn
    async def refund(self, key: str) -> None:
        if key in self.payments.done:
            self.payments.log.append(f"answered again: {key}")
            return
        self.pay_back(key)
