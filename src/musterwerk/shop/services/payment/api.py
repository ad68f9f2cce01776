"""Payment over HTTP."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from musterwerk.saga import effects
from musterwerk.shop.model import Identifier, Money, Payment, Wire
from musterwerk.shop.services.app import Service
from musterwerk.shop.services.database import Database, now
from musterwerk.shop.services.idempotency import BusinessKey, Key
from musterwerk.shop.services.payment import books
from musterwerk.shop.services.payment.books import charges
from musterwerk.shop.services.problems import Problem, documented

#: The most that a card takes at once, by currency; above it the card is declined.
LIMITS = {
    "USD": Decimal("5000.00"),
    "EUR": Decimal("5000.00"),
    "GBP": Decimal("5000.00"),
    "CHF": Decimal("5000.00"),
    "JPY": Decimal("500000"),
}

REFUSALS = {"/charges": Problem("card-declined", "the bank declines the card")}


class Charge(Wire):
    order_id: Identifier
    customer_id: Identifier
    amount: Money


class Refund(Wire):
    """`key` is the Idempotency-Key of the charge. There is no amount: payment knows it."""

    order_id: Identifier
    key: BusinessKey


class Payments:
    def __init__(self, database: Database) -> None:
        self._database = database

    def charge(self, body: Charge, key: Key) -> Payment:
        if not body.amount.amount:
            raise Problem("invalid", f"order {body.order_id} costs nothing: nothing to charge")
        request = body.model_dump(mode="json")
        done = self._database.once(key, request, lambda session: _capture(session, key, body))
        return Payment.model_validate(done)

    def find(self, key: BusinessKey) -> Payment:
        """What the charge under this Idempotency-Key has captured, if it has and still holds it.

        Not found is no promise: a charge that is on its way may land right after.
        """
        with self._database.transaction() as session:
            state = effects.probe(session, key)
            if state in ("undone", "tombstone"):
                raise Problem("undone", f"the charge {key} was undone")
            found = session.execute(select(charges).where(charges.c.key == key)).one_or_none()
        if found is None:
            raise Problem("not-found", f"there is no charge {key}")
        captured = Money.from_minor(found.amount_minor, found.currency)
        return Payment(payment_id=found.payment_id, captured=captured)

    def refund(self, body: Refund, key: Key) -> None:
        """Give back exactly what was captured, or see to it that nothing ever is."""

        def undo(session: Session, done: Any) -> None:
            _give_back(session, body.order_id, done["payment_id"])

        self._database.back(key, body.key, body.order_id, undo)


def create(data: Path) -> Service:
    database = Database(data / "payment.sqlite", books.metadata)
    api = Payments(database)
    router = APIRouter(tags=["payment"])
    router.add_api_route(
        "/charges",
        api.charge,
        methods=["POST"],
        responses=documented("card-declined", "order-taken", "undone"),
    )
    router.add_api_route(
        # A key may hold a slash.
        "/charges/{key:path}",
        api.find,
        methods=["GET"],
        responses=documented("not-found", "undone", changes=False),
    )
    router.add_api_route(
        "/charges/refund",
        api.refund,
        methods=["POST"],
        status_code=204,
        responses=documented(),
    )
    return Service("payment", router, database.close, REFUSALS, exposed=("/charges/",))


def _capture(session: Session, key: str, body: Charge) -> dict[str, Any]:
    limit = LIMITS[body.amount.currency]
    if body.amount.amount > limit:
        raise Problem(
            "card-declined",
            f"{body.amount.amount} {body.amount.currency} is more than the {limit} that the card "
            "takes at once",
        )
    paid = session.execute(
        select(charges.c.payment_id).where(
            charges.c.order_id == body.order_id, charges.c.state == "captured"
        )
    ).scalar()
    if paid is not None:
        raise Problem("order-taken", f"order {body.order_id} is paid already, by {paid}")
    payment_id = "pay-" + sha256(key.encode()).hexdigest()[:20]
    session.execute(
        insert(charges).values(
            key=key,
            order_id=body.order_id,
            payment_id=payment_id,
            customer_id=body.customer_id,
            amount_minor=body.amount.minor,
            currency=body.amount.currency,
            state="captured",
            created_at=now(),
            changed_at=now(),
        )
    )
    payer = books.customer(body.customer_id)
    books.transfer(session, f"{payment_id}:capture", payer, books.SALES, body.amount)
    return Payment(payment_id=payment_id, captured=body.amount).model_dump(mode="json")


def _give_back(session: Session, order_id: str, payment_id: str) -> None:
    found = session.execute(select(charges).where(charges.c.payment_id == payment_id)).one()
    if found.order_id != order_id:
        raise Problem("key-reused", f"this charge is another order's, not {order_id}'s")
    captured = Money.from_minor(found.amount_minor, found.currency)
    payer = books.customer(found.customer_id)
    books.transfer(session, f"{payment_id}:refund", books.SALES, payer, captured)
    session.execute(
        update(charges)
        .where(charges.c.payment_id == payment_id)
        .values(state="refunded", changed_at=now())
    )
