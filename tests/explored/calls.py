"""One call of the gateway as data: to be made of the services in memory and of the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from temporalio.exceptions import ApplicationError

from musterwerk.shop.gateway import Gateway, Undo
from musterwerk.shop.model import Line, Money, Order

What = Literal[
    "reserve",
    "release",
    "issue",
    "charge",
    "find",
    "refund",
    "ship",
    "cancel",
    "hand over",
    "confirm",
    "excuse",
]


@dataclass(frozen=True)
class Call:
    """`order`, `key`, `of` and `sku` are short names, which each example has to itself.

    `key` is that of a step, or of the call; `of` is the step that an undo takes back.
    """

    what: What
    order: str = "O"
    key: str = "k"
    of: str = "k"
    sku: str = "CD"
    units: int = 1
    cents: int = 1250
    word: str = "MW1"

    async def __call__(self, gateway: Gateway, example: str) -> Any:
        """The answer as JSON, or the failure's type and whether it is final."""
        try:
            answer = await self._make(gateway, example)
        except ApplicationError as error:
            return error.type, error.non_retryable
        return None if answer is None else answer.model_dump(mode="json")

    async def _make(self, gateway: Gateway, example: str) -> Any:
        order_id, key = f"{example}-{self.order}", f"{example}-{self.key}"
        line = Line(sku=f"{example}-{self.sku}", quantity=self.units)
        undo = Undo(undoes=f"{example}-{self.of}", key=key)
        order = Order(
            order_id=order_id,
            customer_id="C-17",
            email="ada@customer.example",
            lines=[line],
            total=Money(amount=Decimal(self.cents).scaleb(-2), currency="USD"),
        )
        match self.what:
            case "reserve":
                return await gateway.reserve(order_id, line, key)
            case "release":
                return await gateway.release(order_id, undo)
            case "issue":
                return await gateway.issue(order_id, key)
            case "charge":
                return await gateway.charge(order, key)
            case "find":
                return await gateway.find_charge(key)
            case "refund":
                return await gateway.refund(order_id, undo)
            case "ship":
                return await gateway.ship(order, key)
            case "cancel":
                return await gateway.cancel_shipment(order_id, undo)
            case "hand over":
                return await gateway.hand_over(order_id, key)
            case "confirm":
                return await gateway.send(order, "confirmation", tracking_number=self.word)
            case "excuse":
                return await gateway.send(order, "failure", reason=self.word)
