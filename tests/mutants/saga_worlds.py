"""The worlds of `worlds.py` for `Saga`: a step asks `step_key()` for its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from musterwerk.saga import step_key
from tests.mutants.books import PRICE, Shop


class SagaWorld(Shop):
    """Sound services. Step and undo meet under the business key."""

    def key(self) -> str:
        return step_key().business_key

    @activity.defn
    async def reserve(self, order: str) -> str:
        return self.stock.do(self.key())

    @activity.defn
    async def release(self, order: str, reservation: str | None) -> None:
        self.stock.undo(self.key())

    @activity.defn
    async def charge(self, order: str) -> str:
        return self.payments.do(self.key(), PRICE)

    @activity.defn
    async def refund(self, order: str, payment: str | None) -> None:
        self.pay_back(self.key())

    @activity.defn
    async def find_payment(self, order: str) -> str | None:
        key = self.key()
        return f"payment:{key}" if self.payments.standing.get(key) else None

    @activity.defn
    async def ship(self, order: str) -> str:
        return self.parcels.do(self.key())

    @activity.defn
    async def call_back(self, order: str, parcel: str | None) -> None:
        self.parcels.undo(self.key())

    @activity.defn
    async def refund_order(self, order: str) -> None:
        """For payments outside of a saga, which go under the order."""
        self.pay_back(f"{order}/payment")

    @activity.defn
    async def charge_order(self, order: str) -> str:
        return self.payments.do(f"{order}/payment", PRICE)

    @activity.defn
    async def tell(self, order: str) -> str:
        self.mails.add(order)
        return "told"

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [
            self.reserve,
            self.release,
            self.charge,
            self.refund,
            self.find_payment,
            self.ship,
            self.call_back,
            self.refund_order,
            self.charge_order,
            self.tell,
        ]


class SagaWithoutTombstones(SagaWorld):
    """Flaw: an undo that finds nothing is forgotten."""

    tombstones = False


class SagaWithoutKeys(SagaWorld):
    """Flaw: what comes twice is done twice."""

    keys = False


class UsesTheWholeKey(SagaWorld):
    """Flaw: the whole key differs between a step and its undo, so the undo finds nothing."""

    def key(self) -> str:
        return str(step_key())


class AddsTheAttempt(SagaWorld):
    """Flaw: with the number of the attempt the key is another one each time."""

    def key(self) -> str:
        key = step_key()
        attempt = activity.info().attempt if key.direction == "do" else 1
        return f"{key.business_key}#{attempt}"


class RefundsByReceipt(SagaWorld):
    """Flaw: without the payment's answer the refund takes it that nothing was paid."""

    @activity.defn
    async def refund(self, order: str, payment: str | None) -> None:
        if payment is not None:
            self.pay_back(self.key())


class RefundsTheGoods(SagaWorld):
    """Flaw: what the carriage cost is not given back."""

    @activity.defn
    async def refund(self, order: str, payment: str | None) -> None:
        self.pay_back(self.key(), Decimal("68.10"))


class RefusesARepetition(SagaWorld):
    """Sound, but a charge that comes again is an error, of a type that may look like a refusal."""

    @activity.defn
    async def charge(self, order: str) -> str:
        key = self.key()
        if key in self.payments.done:
            raise ApplicationError(f"{key} is paid", type="AlreadyPaid", non_retryable=True)
        return self.payments.do(key, PRICE)


class BelievesInPayments(SagaWorld):
    """Flaw: asked for a payment, it answers how one would be called."""

    @activity.defn
    async def find_payment(self, order: str) -> str | None:
        return f"payment:{self.key()}"
