"""Payment over HTTP."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import case, func, insert, select, update
from sqlalchemy.orm import Session

from musterwerk.saga import effects
from musterwerk.shop.model import BookEntry, Identifier, Money, Payment, Wire
from musterwerk.shop.services.app import Service
from musterwerk.shop.services.book import PATH, add_book
from musterwerk.shop.services.database import Database, now
from musterwerk.shop.services.idempotency import BusinessKey, Key
from musterwerk.shop.services.payment import books
from musterwerk.shop.services.payment.books import charges, manual_refunds, repairs
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

#: Of each order the sum that is kept; null where all was given back.
_BOOK = select(
    charges.c.order_id,
    func.max(case((charges.c.state == "captured", charges.c.currency))).label("currency"),
    func.sum(case((charges.c.state == "captured", charges.c.amount_minor))).label("kept"),
).group_by(charges.c.order_id)

Said = Annotated[str, Field(pattern=r"\S", max_length=200)]


class Charge(Wire):
    order_id: Identifier
    customer_id: Identifier
    amount: Money


class Refund(Wire):
    """`key` is the Idempotency-Key of the charge. There is no amount: payment knows it."""

    order_id: Identifier
    key: BusinessKey


class Word(Wire):
    """An operator's word about one order: who does something, and why."""

    order_id: Identifier
    by: Said
    reason: Said


class Refunded(Wire):
    payment_id: str
    refunded: Money


class Payments:
    def __init__(self, database: Database, broken: frozenset[str]) -> None:
        self._database = database
        self._broken = broken

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

        self._refuse_if_broken(body.order_id)
        self._database.back(key, body.key, body.order_id, undo)

    def repair(self, body: Word, key: Key) -> None:
        """From here on the order's refund, which was refused, works."""
        if body.order_id not in self._broken:
            raise Problem("not-found", f"the refund of order {body.order_id} is not broken")

        def effect(session: Session) -> None:
            # Who repaired it first is who repaired it.
            claim = insert(repairs).prefix_with("OR IGNORE")
            session.execute(claim.values(**body.model_dump(), at=now()))

        self._database.onward(key, {"repair": body.model_dump(mode="json")}, effect)

    def refund_by_hand(self, body: Word, key: Key) -> Refunded:
        """Give back what the order's one charge captured, past whatever is broken.

        The refund of that charge, should it be asked for again, then counts as done.
        """

        def effect(session: Session) -> dict[str, Any]:
            chosen = (charges.c.order_id == body.order_id) & (charges.c.state == "captured")
            found = session.execute(select(charges).where(chosen)).one_or_none()
            if found is None:
                raise Problem("not-found", f"order {body.order_id} has no charge to refund")
            effects.undo(
                session,
                found.key,
                lambda done: _give_back(session, body.order_id, done["payment_id"]),
            )
            session.execute(
                insert(manual_refunds).values(
                    payment_id=found.payment_id, at=now(), **body.model_dump()
                )
            )
            refunded = Money.from_minor(found.amount_minor, found.currency)
            return Refunded(payment_id=found.payment_id, refunded=refunded).model_dump(mode="json")

        done = self._database.onward(key, {"by_hand": body.model_dump(mode="json")}, effect)
        return Refunded.model_validate(done)

    def _refuse_if_broken(self, order_id: str) -> None:
        if order_id not in self._broken:
            return
        with self._database.transaction() as session:
            repaired = session.execute(select(repairs).where(repairs.c.order_id == order_id))
            if repaired.first() is None:
                raise Problem(
                    "refund-refused",
                    f"the bank takes no refund of order {order_id}; an operator has to repair it "
                    "or to refund by hand",
                )


def create(data: Path, broken: frozenset[str] = frozenset()) -> Service:
    """`broken` are the orders whose refund is refused until somebody repairs it."""
    database = Database(data / "payment.sqlite", books.metadata)
    api = Payments(database, broken)
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
        responses=documented("refund-refused"),
    )
    router.add_api_route(
        "/charges/refund-by-hand",
        api.refund_by_hand,
        methods=["POST"],
        responses=documented("not-found"),
    )
    router.add_api_route(
        "/repairs",
        api.repair,
        methods=["POST"],
        status_code=204,
        responses=documented("not-found"),
    )
    add_book(router, database, _BOOK, charges.c.order_id, _entry)
    return Service("payment", router, database.close, REFUSALS, exposed=("/charges/", PATH))


def _entry(row: Any) -> BookEntry:
    kept = [] if row.kept is None else [Money.from_minor(row.kept, row.currency)]
    return BookEntry(order_id=row.order_id, kept=kept)


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
