"""Shipping's one table. A parcel that was handed over stays so, in the database itself."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    event,
    text,
)

metadata = MetaData()

shipments = Table(
    "shipments",
    metadata,
    Column("key", String, primary_key=True),
    Column("order_id", String, nullable=False),
    Column("shipment_id", String, nullable=False, unique=True),
    Column("tracking_number", String, nullable=False, unique=True),
    Column("units", Integer, CheckConstraint("units > 0"), nullable=False),
    Column(
        "state",
        String,
        CheckConstraint("state IN ('created', 'cancelled', 'handed_over')"),
        nullable=False,
    ),
    Column("created_at", String, nullable=False),
    Column("changed_at", String, nullable=False),
)
Index(
    "one_shipment_per_order",
    shipments.c.order_id,
    unique=True,
    sqlite_where=text("state <> 'cancelled'"),
)
event.listen(
    shipments,
    "after_create",
    DDL(
        """CREATE TRIGGER endings_are_final BEFORE UPDATE OF state ON shipments
           WHEN OLD.state <> 'created' AND NEW.state <> OLD.state BEGIN
           SELECT RAISE(ABORT, 'a parcel that is cancelled or handed over stays so'); END"""
    ),
)
