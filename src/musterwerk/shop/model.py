"""What an order is, and what the services answer: the wire format of the whole shop.

Amounts travel as strings ("12.50"), never as JSON numbers: a number has been a binary float on
the way, and money that was a float once is refused rather than rounded.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

#: The currencies the desk sells in, with their number of decimals (ISO 4217).
CURRENCIES = {"USD": 2, "EUR": 2, "GBP": 2, "CHF": 2, "JPY": 0}


def _no_number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        raise ValueError('write the amount as a string such as "12.50", not as a number')
    return value


Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")]
Quantity = Annotated[int, Field(strict=True, gt=0, le=10_000)]


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Wire):
    """An amount of zero or more in a currency the desk sells in, exact to its smallest unit."""

    amount: Annotated[
        Decimal,
        BeforeValidator(_no_number),
        Field(ge=0, le=Decimal("1000000"), allow_inf_nan=False),
    ]
    currency: str

    @model_validator(mode="after")
    def _exact(self) -> Money:
        digits = CURRENCIES.get(self.currency)
        if digits is None:
            known = ", ".join(sorted(CURRENCIES))
            raise ValueError(f"unknown currency {self.currency!r}; the desk sells in {known}")
        if self.amount != self.amount.quantize(Decimal(1).scaleb(-digits)):
            raise ValueError(
                f"{self.amount} has more than the {digits} decimals of {self.currency}"
            )
        return self

    @property
    def minor(self) -> int:
        """The amount in the currency's smallest unit, which is how the services store it."""
        return int(self.amount.scaleb(CURRENCIES[self.currency]))

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Money:
        return cls(amount=Decimal(minor).scaleb(-CURRENCIES[currency]), currency=currency)


class Line(Wire):
    sku: Sku
    quantity: Quantity


class Order(Wire):
    """What a customer asks for. The same id always stands for the same content."""

    order_id: Identifier
    customer_id: Identifier
    email: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")]
    lines: Annotated[list[Line], Field(min_length=1, max_length=100)]
    total: Money

    @model_validator(mode="after")
    def _each_article_once(self) -> Order:
        skus = [line.sku for line in self.lines]
        twice = sorted({sku for sku in skus if skus.count(sku) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands in more than one line; add them up")
        return self


class Reservation(Wire):
    """The units of one article that are promised to one order."""

    reservation_id: str
    units: int


class Payment(Wire):
    payment_id: str
    captured: Money


class Shipment(Wire):
    shipment_id: str
    tracking_number: str


class BookEntry(Wire):
    """What a service has of one order: its price and units, money kept, units reserved and gone
    from the warehouse, units in parcels that wait and that have left. Each fills what it knows of.
    """

    order_id: str
    price: Money | None = None
    ordered: int | None = None
    kept: list[Money] = Field(default_factory=list[Money])
    reserved: int = 0
    issued: int = 0
    waiting: int = 0
    left: int = 0


class BookPage(Wire):
    entries: list[BookEntry]
    next: str | None = None


class Outcome(Wire):
    """How an order ended. `reason` is for the customer: plain words, no stack trace."""

    status: Literal["fulfilled", "failed"]
    order_id: str
    reason: str | None = None
    tracking_number: str | None = None
