"""What the order desk's workflow does to the world: one activity per call to a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temporalio import activity

from musterwerk.saga import step_key
from musterwerk.shop.gateway import Gateway, Undo
from musterwerk.shop.model import Line, Order, Payment, Reservation, Shipment


class ShopActivities:
    """The steps and their undos, in the shape that `Saga.run` takes.

    An undo asks for nothing but the order and the key of what it undoes: the result is None
    where the outcome of the step is unknown, and what was done then, the service knows.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def all(self) -> list[Callable[..., Any]]:
        return [
            self.reserve_article,
            self.release_article,
            self.charge_payment,
            self.find_payment,
            self.refund_payment,
            self.create_shipment,
            self.cancel_shipment,
            self.hand_over_shipment,
            self.issue_stock,
            self.send_confirmation,
            self.send_failure,
        ]

    @activity.defn
    async def reserve_article(self, order: Order, line: Line) -> Reservation:
        return await self._gateway.reserve(order.order_id, line, step_key().business_key)

    @activity.defn
    async def release_article(
        self, order: Order, line: Line, reservation: Reservation | None
    ) -> None:
        await self._gateway.release(order.order_id, _undo())

    @activity.defn
    async def charge_payment(self, order: Order) -> Payment:
        return await self._gateway.charge(order, step_key().business_key)

    @activity.defn
    async def find_payment(self, order: Order) -> Payment | None:
        """Has the charge of this very step landed? None where it has not, or was undone."""
        return await self._gateway.find_charge(step_key().business_key)

    @activity.defn
    async def refund_payment(self, order: Order, payment: Payment | None) -> None:
        await self._gateway.refund(order.order_id, _undo())

    @activity.defn
    async def create_shipment(self, order: Order) -> Shipment:
        return await self._gateway.ship(order, step_key().business_key)

    @activity.defn
    async def cancel_shipment(self, order: Order, shipment: Shipment | None) -> None:
        await self._gateway.cancel_shipment(order.order_id, _undo())

    @activity.defn
    async def hand_over_shipment(self, order: Order, shipment: Shipment) -> None:
        await self._gateway.hand_over(order.order_id, step_key().business_key)

    @activity.defn
    async def issue_stock(self, order: Order) -> None:
        await self._gateway.issue(order.order_id, step_key().business_key)

    @activity.defn
    async def send_confirmation(self, order: Order, shipment: Shipment) -> None:
        await self._gateway.send(order, "confirmation", tracking_number=shipment.tracking_number)

    @activity.defn
    async def send_failure(self, order: Order, reason: str) -> None:
        await self._gateway.send(order, "failure", reason=reason)


def _undo() -> Undo:
    key = step_key()
    return Undo(undoes=key.business_key, key=key)
