"""The warehouse over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.orm import Session

from musterwerk.shop.model import Identifier, Line, Reservation, Wire
from musterwerk.shop.services.app import Service
from musterwerk.shop.services.database import Database, now
from musterwerk.shop.services.idempotency import BusinessKey, Key
from musterwerk.shop.services.inventory import books
from musterwerk.shop.services.inventory.books import articles, reservations
from musterwerk.shop.services.problems import Problem, documented

REFUSALS = {"/reservations": Problem("out-of-stock", "the warehouse cannot find the goods")}


class Stock(Wire):
    sku: str
    available: int
    reserved: int
    shipped: int


class Reserve(Wire):
    order_id: Identifier
    lines: Annotated[list[Line], Field(min_length=1, max_length=100)]


class Release(Wire):
    """`key` is the Idempotency-Key of the reservation that is to be released."""

    order_id: Identifier
    key: BusinessKey


class Issue(Wire):
    """Without `key` it is the order's one live reservation whose goods leave."""

    order_id: Identifier
    key: BusinessKey | None = None


class Inventory:
    def __init__(self, database: Database) -> None:
        self._database = database

    def stock(self) -> list[Stock]:
        with self._database.transaction() as session:
            return [Stock(**row) for row in books.stock_list(session)]

    def reserve(self, body: Reserve, key: Key) -> Reservation:
        """Promise goods to an order, all of them or none."""
        request = body.model_dump(mode="json")
        done = self._database.once(key, request, lambda session: _reserve(session, key, body))
        return Reservation.model_validate(done)

    def release(self, body: Release, key: Key) -> None:
        """Take a reservation back, or see to it that it never happens if it has not yet."""

        def undo(session: Session, done: Any) -> None:
            chosen = reservations.c.reservation_id == done["reservation_id"]
            _leave(session, _live(session, body.order_id, chosen), "release")

        self._database.back(key, body.key, body.order_id, undo)

    def issue(self, body: Issue, key: Key) -> None:
        """The goods of a reservation leave the house for good. Repeating it changes nothing."""

        def effect(session: Session) -> None:
            chosen = reservations.c.key == body.key if body.key else _held_by(body.order_id)
            found = _live(session, body.order_id, chosen)
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
    return Service("inventory", router, database.close, REFUSALS)


def _reserve(session: Session, key: str, body: Reserve) -> dict[str, Any]:
    units = _wanted(session, body)
    holder = session.execute(
        select(reservations.c.reservation_id).where(_held_by(body.order_id))
    ).scalar()
    if holder is not None:
        raise Problem("order-taken", f"order {body.order_id} has reservation {holder} already")
    reservation_id = "res-" + sha256(key.encode()).hexdigest()[:20]
    session.execute(
        insert(reservations).values(
            key=key,
            order_id=body.order_id,
            reservation_id=reservation_id,
            units=sum(units.values()),
            state="reserved",
            created_at=now(),
            changed_at=now(),
        )
    )
    books.move(session, "reserve", body.order_id, reservation_id, units)
    return Reservation(reservation_id=reservation_id, units=sum(units.values())).model_dump()


def _wanted(session: Session, body: Reserve) -> dict[str, int]:
    """The units by article, if all are known and there are enough of each."""
    units: dict[str, int] = {}
    for line in body.lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    found = session.execute(
        select(articles.c.sku, articles.c.available).where(articles.c.sku.in_(units))
    )
    available: dict[str, int] = {row.sku: row.available for row in found}
    unknown = sorted(units.keys() - available.keys())
    if unknown:
        raise Problem("unknown-sku", f"there is no article {', '.join(unknown)}")
    short = [sku for sku, wanted in units.items() if wanted > available[sku]]
    if short:
        raise Problem(
            "out-of-stock",
            "; ".join(f"{sku}: {units[sku]} wanted, {available[sku]} in stock" for sku in short),
        )
    return units


def _held_by(order_id: str) -> ColumnElement[bool]:
    return (reservations.c.order_id == order_id) & (reservations.c.state != "released")


def _live(session: Session, order_id: str, chosen: ColumnElement[bool]) -> Row[Any]:
    found = session.execute(select(reservations).where(chosen)).one_or_none()
    if found is None:
        raise Problem("not-found", f"order {order_id} has no such reservation")
    if found.order_id != order_id:
        raise Problem("key-reused", f"this reservation is another order's, not {order_id}'s")
    if found.state == "released":
        raise Problem("undone", f"reservation {found.reservation_id} was released")
    return found


def _leave(session: Session, found: Row[Any], kind: books.Movement) -> None:
    """Move the reservation's goods out of it, back to the shelf or out of the house."""
    if found.state != "reserved":
        raise Problem("already-handed-over", f"the goods of order {found.order_id} have left")
    units = books.reserved_units(session, found.reservation_id)
    books.move(session, kind, found.order_id, found.reservation_id, units)
    session.execute(
        update(reservations)
        .where(reservations.c.key == found.key)
        .values(state="released" if kind == "release" else "issued", changed_at=now())
    )
