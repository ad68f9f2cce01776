"""The warehouse's tables. Stock changes by signed movements only, and never falls below zero.

Both hold in the database itself, whoever writes to it: a trigger applies each movement to the
article's counts, CHECK constraints bound these, and movements cannot be changed or deleted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import NonNegativeInt, TypeAdapter, ValidationError
from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.orm import Session

from musterwerk.errors import UsageError
from musterwerk.shop.model import Sku
from musterwerk.shop.services.database import now

Movement = Literal["reserve", "release", "issue"]

metadata = MetaData()

articles = Table(
    "articles",
    metadata,
    Column("sku", String, primary_key=True),
    Column("initial", Integer, CheckConstraint("initial >= 0"), nullable=False),
    Column("available", Integer, CheckConstraint("available >= 0"), nullable=False),
    Column("reserved", Integer, CheckConstraint("reserved >= 0"), nullable=False),
    Column("shipped", Integer, CheckConstraint("shipped >= 0"), nullable=False),
    CheckConstraint("available + reserved + shipped = initial"),
)

reservations = Table(
    "reservations",
    metadata,
    Column("key", String, primary_key=True),
    Column("order_id", String, nullable=False),
    Column("sku", String, ForeignKey("articles.sku"), nullable=False),
    Column("reservation_id", String, nullable=False, unique=True),
    Column("units", Integer, CheckConstraint("units > 0"), nullable=False),
    Column(
        "state",
        String,
        CheckConstraint("state IN ('reserved', 'released', 'issued')"),
        nullable=False,
    ),
    Column("created_at", String, nullable=False),
    Column("changed_at", String, nullable=False),
)
Index(
    "one_reservation_per_article",
    reservations.c.order_id,
    reservations.c.sku,
    unique=True,
    sqlite_where=text("state <> 'released'"),
)

movements = Table(
    "movements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sku", String, ForeignKey("articles.sku"), nullable=False),
    Column("order_id", String, nullable=False),
    Column(
        "reservation_id",
        String,
        ForeignKey("reservations.reservation_id"),
        nullable=False,
        index=True,
    ),
    Column(
        "kind", String, CheckConstraint("kind IN ('reserve', 'release', 'issue')"), nullable=False
    ),
    Column("available_delta", Integer, nullable=False),
    Column("reserved_delta", Integer, nullable=False),
    Column("shipped_delta", Integer, nullable=False),
    Column("at", String, nullable=False),
    CheckConstraint("available_delta + reserved_delta + shipped_delta = 0"),
)

for _statement in (
    """CREATE TRIGGER apply_movement AFTER INSERT ON movements BEGIN
       UPDATE articles SET available = available + NEW.available_delta,
       reserved = reserved + NEW.reserved_delta, shipped = shipped + NEW.shipped_delta
       WHERE sku = NEW.sku; END""",
    """CREATE TRIGGER movements_stay BEFORE UPDATE ON movements BEGIN
       SELECT RAISE(ABORT, 'movements are not changed; add another one'); END""",
    """CREATE TRIGGER movements_last BEFORE DELETE ON movements BEGIN
       SELECT RAISE(ABORT, 'movements are not deleted; add another one'); END""",
):
    event.listen(movements, "after_create", DDL(_statement))

#: available, reserved, shipped: where a unit goes.
_SIGNS: dict[Movement, tuple[int, int, int]] = {
    "reserve": (-1, 1, 0),
    "release": (1, -1, 0),
    "issue": (0, -1, 1),
}


def move(session: Session, kind: Movement, reservation_id: str) -> None:
    """Move all units of this reservation; a trigger applies that to the article."""
    available, reserved, shipped = _SIGNS[kind]
    held = session.execute(
        select(reservations).where(reservations.c.reservation_id == reservation_id)
    ).one()
    session.execute(
        insert(movements).values(
            sku=held.sku,
            order_id=held.order_id,
            reservation_id=reservation_id,
            kind=kind,
            available_delta=available * held.units,
            reserved_delta=reserved * held.units,
            shipped_delta=shipped * held.units,
            at=now(),
        )
    )


def read_stock(path: Path) -> dict[str, int]:
    """The file `{"sku": units}`; raises UsageError for anything else."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return TypeAdapter(dict[Sku, NonNegativeInt]).validate_python(found, strict=True)
    except (OSError, ValueError, ValidationError) as error:
        raise UsageError(f"{path} is no stock list of the form {{sku: units}}: {error}") from error


def open_stock(session: Session, stock: dict[str, int]) -> None:
    """Put the first stock on the shelves; an existing warehouse keeps what it has."""
    if not stock or session.execute(select(articles.c.sku).limit(1)).first() is not None:
        return
    session.execute(
        insert(articles),
        [
            {"sku": sku, "initial": units, "available": units, "reserved": 0, "shipped": 0}
            for sku, units in stock.items()
        ],
    )


def stock_list(session: Session) -> list[dict[str, Any]]:
    found = session.execute(
        select(
            articles.c.sku, articles.c.available, articles.c.reserved, articles.c.shipped
        ).order_by(articles.c.sku)
    )
    return [cast("dict[str, Any]", dict(row._mapping)) for row in found]  # pyright: ignore[reportPrivateUsage] - SQLAlchemy's public name for it
