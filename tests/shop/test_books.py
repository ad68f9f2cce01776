"""The auditor on good books, and on books that are broken in each way it is there to find."""

from __future__ import annotations

import json
import mailbox
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from musterwerk.shop import books
from musterwerk.store import InboxTable, Store, database_url
from musterwerk.store.inbox import NewEntry, RequestRow, Telling

# The documented schema without its constraints and triggers, which would refuse most of what is
# broken below; the demo's test audits the services' real databases.
SCHEMA = {
    "orders": """
        CREATE TABLE orders (order_id, content, price_minor, currency, accepted_at);
        CREATE TABLE releases (order_id, request_id, rule);
    """,
    "inventory": """
        CREATE TABLE articles (sku, initial, available, reserved, shipped);
        CREATE TABLE movements (order_id, sku, available_delta, reserved_delta, shipped_delta);
    """,
    "payment": """
        CREATE TABLE charges (order_id, payment_id, customer_id, amount_minor, currency, state);
        CREATE TABLE entries (id INTEGER PRIMARY KEY, transaction_id, account, amount_minor,
                              currency);
        CREATE TABLE manual_refunds (payment_id, order_id, by, reason);
    """,
    "shipping": "CREATE TABLE shipments (order_id, state, units, created_at);",
    "mail": "CREATE TABLE messages (order_id, kind, state);",
}

ORDER = "INSERT INTO orders VALUES ('{0}', '{1}', {2}, 'USD', '1997-01-01T00:00:00Z')"

GOOD = {
    "inventory": [
        "INSERT INTO articles VALUES ('CD-1', 10, 6, 0, 4), ('CD-2', 5, 5, 0, 0)",
        "INSERT INTO movements VALUES ('shipped', 'CD-1', -3, 3, 0), ('shipped', 'CD-1', 0, -3, 3),"
        " ('free', 'CD-1', -1, 1, 0), ('free', 'CD-1', 0, -1, 1),"
        " ('failed', 'CD-2', -2, 2, 0), ('failed', 'CD-2', 2, -2, 0)",
    ],
    "payment": [
        "INSERT INTO charges VALUES ('shipped', 'pay-1', 'C-1', 2933, 'USD', 'captured'),"
        " ('failed', 'pay-2', 'C-2', 500, 'USD', 'refunded')",
        "INSERT INTO entries (transaction_id, account, amount_minor, currency) VALUES"
        " ('pay-1:capture', 'customer:C-1', -2933, 'USD'),"
        " ('pay-1:capture', 'shop:sales', 2933, 'USD'),"
        " ('pay-2:capture', 'customer:C-2', -500, 'USD'),"
        " ('pay-2:capture', 'shop:sales', 500, 'USD'),"
        " ('pay-2:refund', 'shop:sales', -500, 'USD'),"
        " ('pay-2:refund', 'customer:C-2', 500, 'USD')",
    ],
    "shipping": [
        "INSERT INTO shipments VALUES ('shipped', 'handed_over', 3, '2026-01-02T00:00:00+00:00'),"
        " ('free', 'handed_over', 1, '2026-01-02T00:00:00+00:00'),"
        " ('failed', 'cancelled', 2, '2026-01-02T00:00:00+00:00')",
    ],
    "orders": [
        "INSERT INTO releases VALUES"
        " ('shipped', 'order-approval:shipped', '{\"limit_minor\": 2000}'),"
        " ('free', NULL, '{\"limit_minor\": 2000}'),"
        " ('failed', 'order-approval:failed', '{\"limit_minor\": 400}')",
    ],
    "mail": [
        "INSERT INTO messages VALUES ('shipped', 'confirmation', 'sent'),"
        " ('free', 'confirmation', 'unclear'), ('failed', 'failure', 'sent')",
    ],
}


def write(data: Path, database: str, *statements: str) -> None:
    connection = sqlite3.connect(data / f"{database}.sqlite")
    with connection:
        for statement in statements:
            connection.executescript(statement)
    connection.close()


def post(data: Path, order_id: str, kind: str) -> None:
    mail = EmailMessage()
    mail["X-Order"], mail["X-Kind"] = order_id, kind
    mailbox.Maildir(data / "mailbox").add(mail)


def add_order(data: Path, order_id: str, customer: str, lines: dict[str, int], cents: int) -> None:
    content = json.dumps(
        {
            "customer_id": customer,
            "lines": [{"sku": sku, "quantity": number} for sku, number in lines.items()],
        }
    )
    write(data, "orders", ORDER.format(order_id, content, cents))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Good books: one order shipped and paid, one for nothing, one failed and undone."""
    for database, schema in SCHEMA.items():
        write(tmp_path, database, schema)
    for database, statements in GOOD.items():
        write(tmp_path, database, *statements)
    add_order(tmp_path, "shipped", "C-1", {"CD-1": 3}, 2933)
    add_order(tmp_path, "free", "C-3", {"CD-1": 1}, 0)
    add_order(tmp_path, "failed", "C-2", {"CD-2": 2}, 500)
    post(tmp_path, "shipped", "confirmation")
    post(tmp_path, "failed", "failure")
    ask(tmp_path, "shipped", "approve", "approved")
    ask(tmp_path, "failed", "reject", "rejected")
    return tmp_path


def ask(data: Path, order_id: str, outcome: str, state: str) -> None:
    """A request that mona decided, as its workflow would tell it to the real database."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    request = RequestRow(
        id=f"order-approval:{order_id}",
        namespace="default",
        run_id="run",
        subject="Ship it",
        requester="shop",
        state=state,
        is_open=False,
        revision=1,
        version=2,
        created_at=at,
        expires_at=at,
        ended_at=at,
        status={"outcome": outcome},
    )
    entries = (
        NewEntry(1, at, "decided", "mona", "library", data={"outcome": outcome}),
        NewEntry(2, at, "ended", "mona", "rules", data={"outcome": outcome}),
    )
    store = Store(database_url(data, {}))
    InboxTable(store).write(Telling(request, entries=entries), at)
    store.close()
    # What is broken below may be protected.
    for (trigger,) in select(data, "SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        write(data, "musterwerk", f"DROP TRIGGER {trigger}")


def select(data: Path, query: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(data / "musterwerk.sqlite")) as connection:
        return connection.execute(query).fetchall()


def test_good_books_are_found_good_and_added_up(data: Path) -> None:
    audit = books.audit(data)
    assert audit.violations == []
    assert audit.stock == {"initial": 15, "available": 11, "reserved": 0, "shipped": 4}
    assert audit.money == {
        "USD": {
            "captured": "34.33",
            "refunded": "5.00",
            "kept": "29.33",
            "owed_for_fulfilled": "29.33",
        }
    }
    assert audit.mails == {"confirmation": 1, "failure": 1}
    assert audit.approvals == {"approved": 1, "rejected": 1, "expired": 0, "withdrawn": 0}


def test_a_refund_by_hand_is_good_books_and_named(data: Path) -> None:
    write(data, "payment", "INSERT INTO manual_refunds VALUES ('pay-2', 'failed', 'ada', 'a form')")
    audit = books.audit(data)
    assert audit.violations == []
    assert audit.refunds_by_hand == {"failed": ["ada"]}
    assert audit.money["USD"]["refunded"] == "5.00"


BROKEN = {
    "a reservation that nobody released": (
        "inventory",
        "UPDATE articles SET available = 3, reserved = 2 WHERE sku = 'CD-2';"
        "DELETE FROM movements WHERE order_id = 'failed' AND reserved_delta < 0",
        "Order failed still holds a reservation of 2 x CD-2.",
    ),
    "goods that left without a parcel": (
        "inventory",
        "UPDATE articles SET available = 3, shipped = 2 WHERE sku = 'CD-2';"
        "UPDATE movements SET available_delta = 0, shipped_delta = 2"
        " WHERE order_id = 'failed' AND reserved_delta < 0",
        "Order failed was not shipped, but 2 x CD-2 left the warehouse.",
    ),
    "fewer goods than ordered": (
        "inventory",
        "UPDATE articles SET available = 7, shipped = 3 WHERE sku = 'CD-1';"
        "UPDATE movements SET available_delta = -2, reserved_delta = 2"
        " WHERE order_id = 'shipped' AND reserved_delta > 0;"
        "UPDATE movements SET reserved_delta = -2, shipped_delta = 2"
        " WHERE order_id = 'shipped' AND reserved_delta < 0",
        "Order shipped was shipped with 2 x CD-1 instead of 3 x CD-1.",
    ),
    "stock that was overwritten": (
        "inventory",
        "UPDATE articles SET available = 10 WHERE sku = 'CD-1'",
        "Article CD-1 began with 10 units and now has"
        " {'available': 10, 'reserved': 0, 'shipped': 4}.",
    ),
    "stock that moved without a movement": (
        "inventory",
        "UPDATE articles SET available = 4, shipped = 1 WHERE sku = 'CD-2'",
        "Article CD-2 has {'available': 4, 'reserved': 0, 'shipped': 1}, but its movements make"
        " {'available': 5, 'reserved': 0, 'shipped': 0}.",
    ),
    "a charge that was never given back": (
        "payment",
        "UPDATE charges SET state = 'captured' WHERE order_id = 'failed';"
        "DELETE FROM entries WHERE transaction_id = 'pay-2:refund'",
        "Order failed was not shipped, but 5.00 USD of the customer's money were kept.",
    ),
    "an order that was shipped and refunded": (
        "payment",
        "UPDATE charges SET state = 'refunded' WHERE order_id = 'shipped';"
        "INSERT INTO entries (transaction_id, account, amount_minor, currency) VALUES"
        " ('pay-1:refund', 'shop:sales', -2933, 'USD'),"
        " ('pay-1:refund', 'customer:C-1', 2933, 'USD')",
        "Order shipped was shipped for nothing instead of 29.33 USD.",
    ),
    "an order that was charged twice": (
        "payment",
        "INSERT INTO charges VALUES ('shipped', 'pay-3', 'C-1', 2933, 'USD', 'captured');"
        "INSERT INTO entries (transaction_id, account, amount_minor, currency) VALUES"
        " ('pay-3:capture', 'customer:C-1', -2933, 'USD'),"
        " ('pay-3:capture', 'shop:sales', 2933, 'USD')",
        "Order shipped was shipped for 58.66 USD instead of 29.33 USD.",
    ),
    "an order that was charged although it costs nothing": (
        "payment",
        "INSERT INTO charges VALUES ('free', 'pay-3', 'C-3', 1, 'USD', 'captured');"
        "INSERT INTO entries (transaction_id, account, amount_minor, currency) VALUES"
        " ('pay-3:capture', 'customer:C-3', -1, 'USD'), ('pay-3:capture', 'shop:sales', 1, 'USD')",
        "Order free was shipped for 0.01 USD instead of nothing.",
    ),
    "a refund of more than was captured": (
        "payment",
        "UPDATE entries SET amount_minor = amount_minor * 2 WHERE transaction_id = 'pay-2:refund'",
        "Order failed was not shipped, but -5.00 USD of the customer's money were kept.",
    ),
    "a price in another currency": (
        "payment",
        "UPDATE charges SET currency = 'EUR' WHERE order_id = 'shipped';"
        "UPDATE entries SET currency = 'EUR' WHERE transaction_id = 'pay-1:capture'",
        "Order shipped was shipped for 29.33 EUR instead of 29.33 USD.",
    ),
    "another customer's money": (
        "payment",
        "UPDATE charges SET customer_id = 'C-9' WHERE order_id = 'shipped';"
        "UPDATE entries SET account = 'customer:C-9' WHERE account = 'customer:C-1'",
        "Order shipped was paid by C-9 instead of C-1.",
    ),
    "an account that is not the charge's customer": (
        "payment",
        "UPDATE entries SET account = 'customer:C-9' WHERE account = 'customer:C-1'",
        "Order shipped has the payment pay-1, which is captured, but not in the ledger.",
    ),
    "a charge that the ledger does not know": (
        "payment",
        "INSERT INTO charges VALUES ('free', 'pay-3', 'C-3', 1, 'USD', 'captured')",
        "Order free has the payment pay-3, which is captured, but not in the ledger.",
    ),
    "one side of a transaction": (
        "payment",
        "DELETE FROM entries WHERE transaction_id = 'pay-1:capture' AND account = 'customer:C-1'",
        "Transaction pay-1:capture does not sum to zero but to 29.33 USD.",
    ),
    "earnings without a charge": (
        "payment",
        "INSERT INTO entries (transaction_id, account, amount_minor, currency) VALUES"
        " ('gift', 'customer:C-7', -100, 'USD'), ('gift', 'shop:sales', 100, 'USD')",
        "The shop has 30.33 USD, but its charges and refunds make 29.33 USD.",
    ),
    "a refund by hand that gave nothing back": (
        "payment",
        "INSERT INTO manual_refunds VALUES ('pay-1', 'shipped', 'ada', 'a form')",
        "Order shipped was refunded by hand by ada, but its payment pay-1 is captured.",
    ),
    "a refund by hand of another order's payment": (
        "payment",
        "INSERT INTO manual_refunds VALUES ('pay-2', 'shipped', 'ada', 'a form')",
        "Order shipped was refunded by hand by ada, but its payment pay-2 is not known.",
    ),
    "a parcel that waits for ever": (
        "shipping",
        "UPDATE shipments SET state = 'created' WHERE order_id = 'failed'",
        "Order failed has 1 parcel(s) that neither left nor were cancelled.",
    ),
    "a parcel that left although all was undone": (
        "shipping",
        "UPDATE shipments SET state = 'handed_over' WHERE order_id = 'failed'",
        "Order failed was shipped with nothing instead of 2 x CD-2.",
    ),
    "two parcels": (
        "shipping",
        "INSERT INTO shipments VALUES ('shipped', 'handed_over', 3, '2026-01-02T00:00:00+00:00')",
        "Order shipped was handed over 2 times.",
    ),
    "a parcel of the wrong size": (
        "shipping",
        "UPDATE shipments SET units = 2 WHERE order_id = 'shipped'",
        "Order shipped left in a parcel of 2 units, not 3.",
    ),
    "a shipment of an order that nobody placed": (
        "shipping",
        "INSERT INTO shipments VALUES ('ghost', 'created', 1, '2026-01-02T00:00:00+00:00')",
        "Order ghost is in the books of a service, but nobody placed it.",
    ),
    "goods that nobody was asked about": (
        "musterwerk",
        "DELETE FROM musterwerk_requests WHERE id = 'order-approval:shipped'",
        "Order shipped was shipped without the approval it needed.",
    ),
    "goods that were shipped against a rejection": (
        "shipping",
        "UPDATE shipments SET state = 'handed_over' WHERE order_id = 'failed'",
        "Order failed was shipped, but its approval is rejected.",
    ),
    "goods that were shipped before they were released": (
        "shipping",
        "UPDATE shipments SET created_at = '2025-12-31T23:59:59+00:00'",
        "Order shipped was made ready to ship before it was approved.",
    ),
    "an approval without anybody's vote": (
        "musterwerk",
        "DELETE FROM musterwerk_audit WHERE event = 'decided'",
        "Order shipped was shipped, but nobody approved it.",
    ),
    "an order that nobody ever decided on": (
        "musterwerk",
        "UPDATE musterwerk_requests SET is_open = 1 WHERE id = 'order-approval:failed'",
        "Order failed still waits for its approval.",
    ),
    "a decision that was made twice": (
        "musterwerk",
        "UPDATE musterwerk_audit SET request_id = 'order-approval:failed'",
        "Order failed has an approval with the outcome reject, which ended: approve, reject.",
    ),
    "a decision that is not in the trail": (
        "musterwerk",
        "DELETE FROM musterwerk_audit WHERE event = 'ended'",
        "Order shipped has an approval with the outcome approve, which ended: never.",
    ),
    "a vote that counted twice": (
        "musterwerk",
        "UPDATE musterwerk_audit SET event = 'decided', actor = 'mona'",
        "Order shipped has 2 votes by mona to approve.",
    ),
    "people who were asked for nothing": (
        "orders",
        "UPDATE releases SET request_id = NULL WHERE order_id = 'shipped'",
        "Order shipped needed no approval, but people were asked.",
    ),
    "a note that an expensive order needs no approval": (
        "orders",
        "UPDATE releases SET request_id = NULL WHERE order_id = 'shipped'",
        "Order shipped needs an approval, but its note says otherwise.",
    ),
    "a trail in which a name was changed": (
        "musterwerk",
        "UPDATE musterwerk_audit SET actor = 'moritz' WHERE seq = 3",
        "Line 3 of the audit trail does not follow from the one before it.",
    ),
    "a trail in which a line is missing": (
        "musterwerk",
        "DELETE FROM musterwerk_audit WHERE seq = 2",
        "Line 3 of the audit trail does not follow from the one before it.",
    ),
    "a mail that never arrived": (
        "mail",
        "INSERT INTO messages VALUES ('free', 'failure', 'sent')",
        "Order free has a failure mail that counts as sent but never arrived.",
    ),
}


@pytest.mark.parametrize(("database", "statements", "sentence"), BROKEN.values(), ids=BROKEN.keys())
def test_the_auditor_finds(data: Path, database: str, statements: str, sentence: str) -> None:
    """Each kind of broken books; without these, 'no violations' would say nothing."""
    write(data, database, statements)
    assert sentence in books.audit(data).violations


MAILS = [
    ("shipped", "confirmation", "Order shipped had 2 confirmation mails."),
    ("failed", "failure", "Order failed had 2 failure mails."),
    ("failed", "confirmation", "Order failed was not shipped, but the customer was told that"),
    ("shipped", "failure", "Order shipped was shipped, but the customer was told that it failed."),
    ("ghost", "failure", "Order ghost is in the books of a service, but nobody placed it."),
]


@pytest.mark.parametrize(("order_id", "kind", "sentence"), MAILS)
def test_the_auditor_reads_the_mail(data: Path, order_id: str, kind: str, sentence: str) -> None:
    """A customer who is told twice, or told the wrong thing, shows in the mailbox alone."""
    post(data, order_id, kind)
    violations = books.audit(data).violations
    assert any(violation.startswith(sentence) for violation in violations)


TOLD = [
    (
        {"failed": "fulfilled"},
        "Order failed was told to be fulfilled, but nothing was handed over.",
    ),
    (
        {"failed": "fulfilled"},
        "Order failed was told to be fulfilled, but nothing was kept for it.",
    ),
    ({"shipped": "failed"}, "Order shipped was told to be failed, but it was handed over."),
    (
        {"shipped": "cancelled"},
        "Order shipped was told to be cancelled, but 29.33 USD was kept for it.",
    ),
]


@pytest.mark.parametrize(("told", "sentence"), TOLD)
def test_the_auditor_compares_what_was_told(
    data: Path, told: dict[str, str], sentence: str
) -> None:
    """A customer who hears another end than the books have is not found by the books alone."""
    assert sentence in books.audit(data, told).violations


def test_what_was_told_rightly_is_no_violation(data: Path) -> None:
    told = {"shipped": "fulfilled", "free": "fulfilled", "failed": "failed"}
    assert books.audit(data, told).violations == []


def test_a_missing_database_is_not_taken_for_empty_books(data: Path) -> None:
    (data / "payment.sqlite").unlink()
    with pytest.raises(sqlite3.OperationalError):
        books.audit(data)


def test_people_who_were_to_be_asked_are_not_taken_for_asked(data: Path) -> None:
    """Without Musterwerk's database nobody can tell that an order was released."""
    (data / "musterwerk.sqlite").unlink()
    with pytest.raises(sqlite3.OperationalError):
        books.audit(data)
    write(data, "orders", "UPDATE releases SET request_id = NULL, rule = '{}'")
    assert books.audit(data).violations == []
