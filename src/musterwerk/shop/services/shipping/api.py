"""Shipping over HTTP."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import ColumnElement, Row, case, func, insert, select, update
from sqlalchemy.orm import Session

from musterwerk.shop.model import BookEntry, Identifier, Line, Shipment, Wire
from musterwerk.shop.services.app import Service
from musterwerk.shop.services.book import PATH, add_book
from musterwerk.shop.services.database import Database, now
from musterwerk.shop.services.idempotency import BusinessKey, Key
from musterwerk.shop.services.problems import Problem, documented
from musterwerk.shop.services.shipping import books
from musterwerk.shop.services.shipping.books import shipments

#: One order is one parcel, and a parcel holds no more than this.
MAX_UNITS = 1000

REFUSALS = {"/shipments": Problem("cannot-ship", "the carrier does not take the parcel")}


def _units(state: str) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((shipments.c.state == state, shipments.c.units))), 0)


_BOOK = select(
    shipments.c.order_id,
    _units("created").label("waiting"),
    _units("handed_over").label("left"),
).group_by(shipments.c.order_id)


class Create(Wire):
    order_id: Identifier
    lines: Annotated[list[Line], Field(min_length=1, max_length=100)]


class Cancel(Wire):
    """`key` is the Idempotency-Key of the shipment that is to be cancelled."""

    order_id: Identifier
    key: BusinessKey


class HandOver(Wire):
    """Without `key` it is the order's one live shipment that is handed over."""

    order_id: Identifier
    key: BusinessKey | None = None


class Shipping:
    def __init__(self, database: Database, refused: frozenset[str]) -> None:
        self._database = database
        self._refused = refused

    def ship(self, body: Create, key: Key) -> Shipment:
        if body.order_id in self._refused:
            raise Problem("cannot-ship", "the carrier does not go to this address")
        request = body.model_dump(mode="json")
        done = self._database.once(key, request, lambda session: _create(session, key, body))
        return Shipment.model_validate(done)

    def cancel(self, body: Cancel, key: Key) -> None:
        """Cancel a shipment that has not left, or see to it that there never is one."""

        def undo(session: Session, done: Any) -> None:
            chosen = shipments.c.shipment_id == done["shipment_id"]
            found = _live(session, body.order_id, chosen)
            if found.state == "handed_over":
                raise Problem(
                    "already-handed-over",
                    f"parcel {found.tracking_number} was handed over at {found.changed_at}",
                )
            _set(session, found, "cancelled")

        self._database.back(key, body.key, body.order_id, undo)

    def hand_over(self, body: HandOver, key: Key) -> None:
        """The carrier takes the parcel: from here nothing calls it back."""

        def effect(session: Session) -> None:
            chosen = shipments.c.key == body.key if body.key else _held_by(body.order_id)
            found = _live(session, body.order_id, chosen)
            if found.state != "handed_over":
                _set(session, found, "handed_over")

        self._database.onward(key, {"handover": body.model_dump(mode="json")}, effect)


def create(data: Path, refused: frozenset[str] = frozenset()) -> Service:
    """`refused` are the orders that are not shipped, whatever they hold."""
    database = Database(data / "shipping.sqlite", books.metadata)
    api = Shipping(database, refused)
    router = APIRouter(tags=["shipping"])
    router.add_api_route(
        "/shipments",
        api.ship,
        methods=["POST"],
        responses=documented("cannot-ship", "order-taken", "undone"),
    )
    router.add_api_route(
        "/shipments/cancel",
        api.cancel,
        methods=["POST"],
        status_code=204,
        responses=documented("already-handed-over"),
    )
    router.add_api_route(
        "/shipments/handover",
        api.hand_over,
        methods=["POST"],
        status_code=204,
        responses=documented("not-found", "undone"),
    )
    add_book(router, database, _BOOK, shipments.c.order_id, _entry)
    return Service("shipping", router, database.close, REFUSALS, exposed=(PATH,))


def tracking_number(key: str) -> str:
    """`MW`, ten digits and a check digit that a typing error changes."""
    digits = str(int.from_bytes(sha256(key.encode()).digest()[:8]) % 10**10).zfill(10)
    check = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return f"MW{digits}{-check % 10}"


def _entry(row: Any) -> BookEntry:
    return BookEntry(order_id=row.order_id, waiting=row.waiting, left=row.left)


def _create(session: Session, key: str, body: Create) -> dict[str, Any]:
    units = sum(line.quantity for line in body.lines)
    if units > MAX_UNITS:
        raise Problem("cannot-ship", f"{units} units do not fit into a parcel of {MAX_UNITS}")
    holder = session.execute(
        select(shipments.c.tracking_number).where(_held_by(body.order_id))
    ).scalar()
    if holder is not None:
        raise Problem("order-taken", f"order {body.order_id} has parcel {holder} already")
    shipment = Shipment(
        shipment_id="shp-" + sha256(key.encode()).hexdigest()[:20],
        tracking_number=_free_number(session, key),
    )
    session.execute(
        insert(shipments).values(
            key=key,
            order_id=body.order_id,
            units=units,
            state="created",
            created_at=now(),
            changed_at=now(),
            **shipment.model_dump(),
        )
    )
    return shipment.model_dump()


def _free_number(session: Session, key: str) -> str:
    # Ten digits are few enough for two keys to meet one day.
    number = tracking_number(key)
    while session.execute(
        select(shipments.c.key).where(shipments.c.tracking_number == number)
    ).first():
        number = tracking_number(number)
    return number


def _held_by(order_id: str) -> ColumnElement[bool]:
    return (shipments.c.order_id == order_id) & (shipments.c.state != "cancelled")


def _live(session: Session, order_id: str, chosen: ColumnElement[bool]) -> Row[Any]:
    found = session.execute(select(shipments).where(chosen)).one_or_none()
    if found is None:
        raise Problem("not-found", f"order {order_id} has no such shipment")
    if found.order_id != order_id:
        raise Problem("key-reused", f"this shipment is another order's, not {order_id}'s")
    if found.state == "cancelled":
        raise Problem("undone", f"shipment {found.shipment_id} was cancelled")
    return found


def _set(session: Session, found: Row[Any], state: str) -> None:
    session.execute(
        update(shipments).where(shipments.c.key == found.key).values(state=state, changed_at=now())
    )
