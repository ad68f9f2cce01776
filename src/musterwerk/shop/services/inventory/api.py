"""The warehouse over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, Row, case, func, insert, select, update
from sqlalchemy.orm import Session

from musterwerk.shop.model import BookEntry, Identifier, Quantity, Reservation, Sku, Wire
from musterwerk.shop.services.app import Service
from musterwerk.shop.services.book import PATH, add_book
from musterwerk.shop.services.database import Database, now
from musterwerk.shop.services.idempotency import BusinessKey, Key
from musterwerk.shop.services.inventory import books
from musterwerk.shop.services.inventory.books import articles, reservations
from musterwerk.shop.services.problems import Problem, documented

REFUSALS = {"/reservations": Problem("out-of-stock", "the warehouse cannot find the goods")}


def _units(state: str) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((reservations.c.state == state, reservations.c.units))), 0)


_BOOK = select(
    reservations.c.order_id,
    _units("reserved").label("reserved"),
    _units("issued").label("issued"),
).group_by(reservations.c.order_id)


class Stock(Wire):
    sku: str
    available: int
    reserved: int
    shipped: int


class Reserve(Wire):
    order_id: Identifier
    sku: Sku
    quantity: Quantity


class Release(Wire):
    """`key` is the Idempotency-Key of the reservation that is to be released."""

    order_id: Identifier
    key: BusinessKey


class Issue(Wire):
    """Without `key` it is the goods of all the order's live reservations that leave."""

    order_id: Identifier
    key: BusinessKey | None = None


class Inventory:
    def __init__(self, database: Database) -> None:
        self._database = database

    def stock(self) -> list[Stock]:
        with self._database.transaction() as session:
            return [Stock(**row) for row in books.stock_list(session)]

    def reserve(self, body: Reserve, key: Key) -> Reservation:
        """Promise one article to an order, as many units as it wants or none."""
        request = body.model_dump(mode="json")
        done = self._database.once(key, request, lambda session: _reserve(session, key, body))
        return Reservation.model_validate(done)

    def release(self, body: Release, key: Key) -> None:
        """Take a reservation back, or see to it that it never happens if it has not yet."""

        def undo(session: Session, done: Any) -> None:
            chosen = reservations.c.reservation_id == done["reservation_id"]
            (found,) = _live(session, body.order_id, chosen)
            _leave(session, found, "release")

        self._database.back(key, body.key, body.order_id, undo)

    def issue(self, body: Issue, key: Key) -> None:
        """The goods leave the house for good, all at once. Repeating it changes nothing."""

        def effect(session: Session) -> None:
            chosen = reservations.c.key == body.key if body.key else _held_by(body.order_id)
            for found in _live(session, body.order_id, chosen):
                if found.state != "issued":
                    _leave(session, found, "issue")

        self._database.onward(key, {"issue": body.model_dump(mode="json")}, effect)


def create(data: Path, stock: Mapping[str, int] | None = None) -> Service:
    database = Database(data / "inventory.sqlite", books.metadata)
    with database.transaction() as session:
        books.open_stock(session, dict(stock or {}))
    api = Inventory(database)
    router = APIRouter(tags=["inventory"])
    router.add_api_route("/stock", api.stock, methods=["GET"])
    router.add_api_route(
        "/reservations",
        api.reserve,
        methods=["POST"],
        responses=documented("out-of-stock", "order-taken", "undone", "unknown-sku"),
    )
    router.add_api_route(
        "/reservations/release",
        api.release,
        methods=["POST"],
        status_code=204,
        responses=documented("already-handed-over"),
    )
    router.add_api_route(
        "/reservations/issue",
        api.issue,
        methods=["POST"],
        status_code=204,
        responses=documented("not-found", "undone"),
    )
    add_book(router, database, _BOOK, reservations.c.order_id, _entry)
    return Service("inventory", router, database.close, REFUSALS, exposed=(PATH,))


def _entry(row: Any) -> BookEntry:
    return BookEntry(order_id=row.order_id, reserved=row.reserved, issued=row.issued)


def _reserve(session: Session, key: str, body: Reserve) -> dict[str, Any]:
    _check_stock(session, body)
    holder = session.execute(
        select(reservations.c.reservation_id).where(
            _held_by(body.order_id), reservations.c.sku == body.sku
        )
    ).scalar()
    if holder is not None:
        raise Problem(
            "order-taken", f"order {body.order_id} has reservation {holder} of {body.sku} already"
        )
    reservation_id = "res-" + sha256(key.encode()).hexdigest()[:20]
    session.execute(
        insert(reservations).values(
            key=key,
            order_id=body.order_id,
            sku=body.sku,
            reservation_id=reservation_id,
            units=body.quantity,
            state="reserved",
            created_at=now(),
            changed_at=now(),
        )
    )
    books.move(session, "reserve", reservation_id)
    return Reservation(reservation_id=reservation_id, units=body.quantity).model_dump()


def _check_stock(session: Session, body: Reserve) -> None:
    available = session.execute(
        select(articles.c.available).where(articles.c.sku == body.sku)
    ).scalar()
    if available is None:
        raise Problem("unknown-sku", f"there is no article {body.sku}")
    if body.quantity > available:
        raise Problem("out-of-stock", f"{body.sku}: {body.quantity} wanted, {available} in stock")


def _held_by(order_id: str) -> ColumnElement[bool]:
    return (reservations.c.order_id == order_id) & (reservations.c.state != "released")


def _live(session: Session, order_id: str, chosen: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """The chosen reservations, at least one. A problem if any is another order's or released."""
    found = session.execute(select(reservations).where(chosen)).all()
    if not found:
        raise Problem("not-found", f"order {order_id} has no such reservation")
    for row in found:
        if row.order_id != order_id:
            raise Problem("key-reused", f"this reservation is another order's, not {order_id}'s")
        if row.state == "released":
            raise Problem("undone", f"reservation {row.reservation_id} was released")
    return found


def _leave(session: Session, found: Row[Any], kind: books.Movement) -> None:
    """Move the reservation's goods out of it, back to the shelf or out of the house."""
    if found.state != "reserved":
        raise Problem("already-handed-over", f"the goods of order {found.order_id} have left")
    books.move(session, kind, found.reservation_id)
    session.execute(
        update(reservations)
        .where(reservations.c.key == found.key)
        .values(state="released" if kind == "release" else "issued", changed_at=now())
    )
