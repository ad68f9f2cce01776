"""The order desk's services in memory: what they answer, and what they have of each order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, TypeVar

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from musterwerk.shop.gateway import NOT_FOUND, Gateway, Undo
from musterwerk.shop.model import Line, Money, Order, Payment, Reservation, Shipment
from musterwerk.shop.services.mail.letters import Message
from musterwerk.shop.services.payment.api import LIMITS
from musterwerk.shop.services.shipping.api import MAX_UNITS, tracking_number
from musterwerk.testing import Effects

T = TypeVar("T")
INVALID = "InvalidRequest"


@dataclass
class _Held:
    """What one effect of one service is, for whom, and how much of it."""

    order_id: str
    what: Any
    state: str
    units: int


@dataclass
class _Service:
    """An effect for each key: done, undone, or never to be done."""

    name: str
    effects: Effects
    held: dict[str, _Held] = field(default_factory=dict[str, _Held])
    answered: dict[str, tuple[Any, Any]] = field(default_factory=dict[str, tuple[Any, Any]])
    undone: set[str] = field(default_factory=set[str])

    def once(self, key: str, request: object, effect: Callable[[], T]) -> T:
        if key in self.undone:
            raise _refused("EffectUndone")
        if key in self.answered:
            asked, answer = self.answered[key]
            if asked != request:
                raise _refused("KeyReused")
            return answer
        answer = effect()
        self.answered[key] = (request, answer)
        return answer

    def take(self, key: str, held: _Held) -> None:
        self.held[key] = held
        self.effects.do(self.name, key)

    def back(self, undo: Undo, order_id: str, effect: Callable[[_Held], None]) -> None:
        def take_back() -> None:
            held = self.held.get(undo.undoes)
            if undo.undoes in self.undone:
                return
            if held is not None:
                if held.order_id != order_id:
                    raise _refused("KeyReused")
                effect(held)
            self.undone.add(undo.undoes)
            self.effects.undo(self.name, undo.undoes, found=held is not None)

        self.once(f"call:{undo.key}", (undo.undoes, order_id), take_back)

    def of(self, order_id: str, *without: str) -> list[_Held]:
        return [
            one
            for one in self.held.values()
            if one.order_id == order_id and one.state not in without
        ]


class MemoryServices(Gateway):
    """In place of the way to the services: the same answers and failures, and no network."""

    def __init__(self, stock: dict[str, int]) -> None:
        self.effects = Effects()
        self.stock = dict(stock)
        self.warehouse = _Service("reserve", self.effects)
        self.payment = _Service("charge", self.effects)
        self.shipping = _Service("ship", self.effects)
        self.mails: dict[tuple[str, str], Message] = {}

    async def reserve(self, order_id: str, line: Line, key: str) -> Reservation:
        def effect() -> Reservation:
            if line.sku not in self.stock:
                raise _refused("UnknownSku")
            if line.quantity > self.stock[line.sku]:
                raise _refused("OutOfStock")
            if any(one.what == line.sku for one in self.warehouse.of(order_id, "released")):
                raise _refused("OrderTaken")
            self.stock[line.sku] -= line.quantity
            self.warehouse.take(key, _Held(order_id, line.sku, "reserved", line.quantity))
            return Reservation(reservation_id=_id("res", key), units=line.quantity)

        return self.warehouse.once(key, (order_id, line), effect)

    async def release(self, order_id: str, undo: Undo) -> None:
        def effect(held: _Held) -> None:
            if held.state != "reserved":
                raise _refused("AlreadyHandedOver")
            self.stock[held.what] += held.units
            held.state = "released"

        self.warehouse.back(undo, order_id, effect)

    async def issue(self, order_id: str, key: str) -> None:
        def effect() -> None:
            for held in _at_least_one(self.warehouse.of(order_id, "released")):
                held.state = "issued"

        self.warehouse.once(f"call:{key}", ("issue", order_id), effect)

    async def charge(self, order: Order, key: str) -> Payment:
        def effect() -> Payment:
            if order.total.amount > LIMITS[order.total.currency]:
                raise _refused("CardDeclined")
            if self.payment.of(order.order_id, "refunded"):
                raise _refused("OrderTaken")
            captured = _Held(order.order_id, order.total, "captured", order.total.minor)
            self.payment.take(key, captured)
            return Payment(payment_id=_id("pay", key), captured=order.total)

        if not order.total.amount:
            raise _refused(INVALID)
        request = order.model_dump(mode="json", include={"order_id", "customer_id", "total"})
        return self.payment.once(key, request, effect)

    async def find_charge(self, key: str) -> Payment | None:
        held = self.payment.held.get(key)
        if held is None or held.state == "refunded":
            return None
        return Payment(payment_id=_id("pay", key), captured=held.what)

    async def refund(self, order_id: str, undo: Undo) -> None:
        self.payment.back(undo, order_id, lambda held: setattr(held, "state", "refunded"))

    async def ship(self, order: Order, key: str) -> Shipment:
        def effect() -> Shipment:
            units = sum(line.quantity for line in order.lines)
            if units > MAX_UNITS:
                raise _refused("CannotShip")
            if self.shipping.of(order.order_id, "cancelled"):
                raise _refused("OrderTaken")
            self.shipping.take(key, _Held(order.order_id, order.lines, "created", units))
            return Shipment(shipment_id=_id("shp", key), tracking_number=tracking_number(key))

        return self.shipping.once(key, (order.order_id, order.lines), effect)

    async def cancel_shipment(self, order_id: str, undo: Undo) -> None:
        def effect(held: _Held) -> None:
            if held.state == "handed over":
                raise _refused("AlreadyHandedOver")
            held.state = "cancelled"

        self.shipping.back(undo, order_id, effect)

    async def hand_over(self, order_id: str, key: str) -> None:
        def effect() -> None:
            (held,) = _at_least_one(self.shipping.of(order_id, "cancelled"))
            held.state = "handed over"

        self.shipping.once(f"call:{key}", ("handover", order_id), effect)

    async def send(
        self, order: Order, kind: Literal["confirmation", "failure"], **content: str
    ) -> None:
        """Each kind reaches the customer once."""
        words: dict[str, Any] = content
        try:
            mail = Message(order_id=order.order_id, kind=kind, to=order.email, **words)
        except ValidationError:
            raise _refused(INVALID) from None
        if self.mails.setdefault((order.order_id, kind), mail) != mail:
            raise _refused("KeyReused")

    def has(self, order_id: str) -> dict[str, Any]:
        """What is left of an order: cents kept, units promised and gone, those in parcels that
        wait and that have left, mails."""

        def units(service: _Service, state: str) -> int:
            return sum(one.units for one in service.of(order_id) if one.state == state)

        return {
            "kept": units(self.payment, "captured"),
            "reserved": units(self.warehouse, "reserved"),
            "issued": units(self.warehouse, "issued"),
            "waiting": units(self.shipping, "created"),
            "left": units(self.shipping, "handed over"),
            "mails": sorted(kind for order, kind in self.mails if order == order_id),
        }

    def state(self) -> object:
        services = (self.warehouse, self.payment, self.shipping)
        return (
            self.stock,
            self.mails,
            self.effects.state(),
            [(one.held, one.answered, one.undone) for one in services],
        )


def total(cents: int) -> Money:
    return Money.from_minor(cents, "USD")


def _at_least_one(held: list[_Held]) -> list[_Held]:
    if not held:
        raise _refused(NOT_FOUND)
    return held


def _refused(kind: str) -> ApplicationError:
    return ApplicationError(f"refused: {kind}", type=kind, non_retryable=True)


def _id(prefix: str, key: str) -> str:
    return f"{prefix}-{sha256(key.encode()).hexdigest()[:20]}"
