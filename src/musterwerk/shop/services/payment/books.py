"""Payment's tables: charges, and a ledger in which every transaction sums to zero.

Amounts are integers of the currency's smallest unit. Entries cannot be changed or deleted; a
mistake is corrected by another transaction.
"""

from __future__ import annotations

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
    text,
)
from sqlalchemy.orm import Session

from musterwerk.shop.model import Money
from musterwerk.shop.services.database import now

#: What the shop has earned: its balance is the money kept.
SALES = "shop:sales"

metadata = MetaData()

charges = Table(
    "charges",
    metadata,
    Column("key", String, primary_key=True),
    Column("order_id", String, nullable=False),
    Column("payment_id", String, nullable=False, unique=True),
    Column("customer_id", String, nullable=False),
    Column("amount_minor", Integer, CheckConstraint("amount_minor > 0"), nullable=False),
    Column("currency", String, nullable=False),
    Column("state", String, CheckConstraint("state IN ('captured', 'refunded')"), nullable=False),
    Column("created_at", String, nullable=False),
    Column("changed_at", String, nullable=False),
)
Index(
    "one_charge_per_order",
    charges.c.order_id,
    unique=True,
    sqlite_where=text("state = 'captured'"),
)

entries = Table(
    "entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("transaction_id", String, nullable=False, index=True),
    Column("account", String, nullable=False, index=True),
    Column("amount_minor", Integer, CheckConstraint("amount_minor <> 0"), nullable=False),
    Column("currency", String, nullable=False),
    Column("at", String, nullable=False),
)

#: Refunds that somebody made by hand. In the ledger they stand like any other.
manual_refunds = Table(
    "manual_refunds",
    metadata,
    Column("payment_id", String, ForeignKey("charges.payment_id"), primary_key=True),
    Column("order_id", String, nullable=False),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", String, nullable=False),
)

#: Orders whose refund was broken and works again.
repairs = Table(
    "repairs",
    metadata,
    Column("order_id", String, primary_key=True),
    Column("by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", String, nullable=False),
)

for _table in (entries, manual_refunds):
    for _verb, _past in (("UPDATE", "changed"), ("DELETE", "deleted")):
        event.listen(
            _table,
            "after_create",
            DDL(
                f"""CREATE TRIGGER no_{_verb.lower()}_of_{_table.name} BEFORE {_verb}
                ON {_table.name} BEGIN
                SELECT RAISE(ABORT, '{_table.name} are not {_past}; book a correction'); END"""
            ),
        )


def transfer(session: Session, transaction_id: str, source: str, target: str, sum_: Money) -> None:
    """Book one transaction: the sum leaves one account and enters another."""
    session.execute(
        insert(entries),
        [
            {
                "transaction_id": transaction_id,
                "account": account,
                "amount_minor": amount,
                "currency": sum_.currency,
                "at": now(),
            }
            for account, amount in ((source, -sum_.minor), (target, sum_.minor))
        ],
    )


def customer(customer_id: str) -> str:
    return f"customer:{customer_id}"
