"""The no-op steps that every variant runs, and their undos."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity

TIMEOUT = timedelta(minutes=1)
#: How long an open workflow waits: longer than any measurement.
OPEN_FOR = timedelta(days=1)


@dataclass
class Order:
    order_id: str
    sku: str
    quantity: int
    amount_cents: int
    currency: str


@activity.defn
async def reserve(order: Order) -> str:
    return f"reservation-{order.order_id}"


@activity.defn
async def release(order: Order, reservation: str | None) -> None: ...


@activity.defn
async def charge(order: Order) -> str:
    return f"payment-{order.order_id}"


@activity.defn
async def refund(order: Order, payment: str | None) -> None: ...


@activity.defn
async def ship(order: Order) -> str:
    return f"shipment-{order.order_id}"


@activity.defn
async def recall(order: Order, shipment: str | None) -> None: ...


@activity.defn
async def invoice(order: Order) -> str:
    return f"invoice-{order.order_id}"


@activity.defn
async def cancel_invoice(order: Order, number: str | None) -> None: ...


ACTIVITIES = [reserve, release, charge, refund, ship, recall, invoice, cancel_invoice]
