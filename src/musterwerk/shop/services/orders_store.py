"""What the orders service writes down: each order once, and the keys it was asked under.

A row comes before the workflow and says `received`; only when Temporal has the workflow it says
`accepted`. So a crash between the two leaves neither an accepted order that nobody works on nor
a workflow whose order nobody knows: a repeat of the request finds the row and starts again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import ForeignKey, Integer, String, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from musterwerk.shop.model import BookEntry, Money, Order
from musterwerk.shop.release import ReleaseRule, approval_id
from musterwerk.shop.services.book import add_book
from musterwerk.shop.services.database import Database, now


class Base(DeclarativeBase):
    pass


class OrderRow(Base):
    __tablename__ = "orders"

    order_id: Mapped[str] = mapped_column(String, primary_key=True)
    fingerprint: Mapped[str]
    content: Mapped[str]
    price_minor: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str]
    received_at: Mapped[str]
    accepted_at: Mapped[str | None]


class RequestRow(Base):
    __tablename__ = "requests"

    key: Mapped[str] = mapped_column(String, primary_key=True)
    fingerprint: Mapped[str]
    order_id: Mapped[str] = mapped_column(ForeignKey(OrderRow.order_id))


class ReleaseRow(Base):
    """The rule an order was taken under. `request_id` is None where it needs no approval."""

    __tablename__ = "releases"

    order_id: Mapped[str] = mapped_column(ForeignKey(OrderRow.order_id), primary_key=True)
    request_id: Mapped[str | None]
    rule: Mapped[str]


@dataclass(frozen=True)
class StoredOrder:
    """`rule` is None for what another version received, before there was one."""

    order_id: str
    fingerprint: str
    accepted: bool
    rule: ReleaseRule | None


def fingerprint(order: Order) -> str:
    """The same for 12.5 and 12.50: it is the order that counts, not its spelling."""
    price = [order.total.minor, order.total.currency]
    content = order.model_dump(mode="json") | {"total": price}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class OrderStore:
    def __init__(self, path: Path) -> None:
        self._database = Database(path, Base.metadata)

    def answered(self, key: str) -> str | None:
        """The fingerprint of the order that was accepted under this key."""
        with self._database.transaction() as session:
            return session.scalar(select(RequestRow.fingerprint).where(RequestRow.key == key))

    def receive(self, order: Order, rule: ReleaseRule) -> StoredOrder:
        """Write the order down unless its id is known; returns what stands under the id.

        The rule, too, is the first: the workflow is to follow what is written here.
        """
        row = {
            "order_id": order.order_id,
            "fingerprint": fingerprint(order),
            "content": order.model_dump_json(),
            "price_minor": order.total.minor,
            "currency": order.total.currency,
            "received_at": now(),
        }
        needed = rule.applies_to(order)
        release = {
            "order_id": order.order_id,
            "request_id": approval_id(order.order_id) if needed else None,
            "rule": rule.model_dump_json(),
        }
        with self._database.transaction() as session:
            inserted = insert(OrderRow).values(row).on_conflict_do_nothing()
            if session.execute(inserted.returning(OrderRow.order_id)).first() is not None:
                session.execute(insert(ReleaseRow).values(release))
            return _stored(session, session.get_one(OrderRow, order.order_id))

    def add_book(self, router: APIRouter) -> None:
        """The prices and units of all orders."""
        wanted = select(
            OrderRow.order_id, OrderRow.price_minor, OrderRow.currency, OrderRow.content
        )
        add_book(router, self._database, wanted, OrderRow.order_id, _entry)

    def find(self, order_id: str) -> StoredOrder | None:
        with self._database.transaction() as session:
            row = session.get(OrderRow, order_id)
            return None if row is None else _stored(session, row)

    def accept(self, order_id: str, key: str | None = None) -> None:
        """Temporal has the workflow: from now on the order counts, and the key has its answer."""
        with self._database.transaction() as session:
            session.execute(
                update(OrderRow)
                .where(OrderRow.order_id == order_id, OrderRow.accepted_at.is_(None))
                .values(accepted_at=now())
            )
            if key is not None:
                _answer(session, order_id, key)

    def close(self) -> None:
        self._database.close()


def _entry(row: Any) -> BookEntry:
    price = Money.from_minor(row.price_minor, row.currency)
    units = sum(line["quantity"] for line in json.loads(row.content)["lines"])
    return BookEntry(order_id=row.order_id, price=price, ordered=units)


def _answer(session: Session, order_id: str, key: str) -> None:
    row = session.get_one(OrderRow, order_id)
    answer = {"key": key, "fingerprint": row.fingerprint, "order_id": order_id}
    session.execute(insert(RequestRow).values(answer).on_conflict_do_nothing())


def _stored(session: Session, row: OrderRow) -> StoredOrder:
    release = session.get(ReleaseRow, row.order_id)
    rule = None if release is None else ReleaseRule.model_validate_json(release.rule)
    return StoredOrder(row.order_id, row.fingerprint, row.accepted_at is not None, rule)
