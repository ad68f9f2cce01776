"""The books of each service, read by plain SQL through read-only connections.

Each function adds what it finds to the cases, and says what is wrong within that one book.
"""

from __future__ import annotations

import json
import mailbox
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, MutableMapping
from contextlib import closing
from pathlib import Path
from typing import Any

from musterwerk.shop.books.amounts import money
from musterwerk.shop.books.case import Case

Cases = MutableMapping[str, Case]

STATES = ("available", "reserved", "shipped")

#: What each capture and refund moved into the shop's account, by the order of its charge.
BOOKED = """
SELECT c.order_id, substr(e.transaction_id, length(c.payment_id) + 2), e.currency,
       e.amount_minor
FROM charges c JOIN entries e ON e.account = 'shop:sales'
 AND e.transaction_id IN (c.payment_id || ':capture', c.payment_id || ':refund')
"""

#: Charges of which the ledger tells another story: it should have one capture, and one refund of
#: the same sum if the charge was given back, both between the shop and the charge's customer.
MISBOOKED = """
SELECT c.order_id, c.payment_id, c.state FROM charges c
LEFT JOIN entries e
  ON e.transaction_id IN (c.payment_id || ':capture', c.payment_id || ':refund')
GROUP BY c.payment_id
HAVING sum(e.account = 'shop:sales') IS NOT CASE c.state WHEN 'captured' THEN 1 ELSE 2 END
    OR sum(e.account = 'customer:' || c.customer_id) IS NOT sum(e.account = 'shop:sales')
    OR count(e.id) <> 2 * sum(e.account = 'shop:sales')
    OR sum(e.amount_minor * (e.account = 'shop:sales'))
       <> CASE c.state WHEN 'captured' THEN c.amount_minor ELSE 0 END
    OR max(e.amount_minor) <> c.amount_minor
    OR min(e.currency) <> c.currency OR max(e.currency) <> c.currency
"""

#: Refunds that somebody signed for, with what became of the order's payment.
BY_HAND = """
SELECT m.order_id, m.by, m.payment_id, c.state FROM manual_refunds m
LEFT JOIN charges c ON c.payment_id = m.payment_id AND c.order_id = m.order_id
"""


def orders(path: Path, cases: Cases) -> None:
    for order_id, content, cents, currency in rows(
        path, "SELECT order_id, content, price_minor, currency FROM orders"
    ):
        case = cases[order_id]
        order = json.loads(content)
        case.price, case.customer = (cents, currency), order["customer_id"]
        for line in order["lines"]:
            case.ordered[line["sku"]] += line["quantity"]


def stock(path: Path, cases: Cases, violations: list[str]) -> dict[str, int]:
    """Returns the units of the whole warehouse."""
    moved: defaultdict[str, Counter[str]] = defaultdict(Counter[str])
    for order_id, sku, *deltas in rows(
        path,
        "SELECT order_id, sku, sum(available_delta), sum(reserved_delta), sum(shipped_delta)"
        " FROM movements GROUP BY order_id, sku",
    ):
        changes = dict(zip(STATES, deltas, strict=True))
        moved[sku].update(changes)
        cases[order_id].reserved[sku] += changes["reserved"]
        cases[order_id].issued[sku] += changes["shipped"]
    totals: Counter[str] = Counter()
    for sku, initial, *counts in rows(
        path, "SELECT sku, initial, available, reserved, shipped FROM articles"
    ):
        now = dict(zip(STATES, counts, strict=True))
        totals.update(now, initial=initial)
        expected = {state: moved[sku][state] for state in STATES}
        expected["available"] += initial
        if sum(counts) != initial:
            violations.append(f"Article {sku} began with {initial} units and now has {now}.")
        elif now != expected:
            violations.append(f"Article {sku} has {now}, but its movements make {expected}.")
    return {name: totals[name] for name in ("initial", *STATES)}


def payments(path: Path, cases: Cases, violations: list[str]) -> None:
    for transaction, currency, cents in rows(
        path,
        "SELECT transaction_id, currency, sum(amount_minor) FROM entries"
        " GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0",
    ):
        violations.append(
            f"Transaction {transaction} does not sum to zero but to {money(cents, currency)}."
        )
    for order_id, customer in rows(path, "SELECT order_id, customer_id FROM charges"):
        cases[order_id].payers.add(customer)
    booked: Counter[str] = Counter()
    for order_id, kind, currency, cents in rows(path, BOOKED):
        case = cases[order_id]
        booked[currency] += cents
        if kind == "capture":
            case.captured[currency] += cents
        else:
            case.refunded[currency] -= cents
    for currency, cents in rows(
        path,
        "SELECT currency, sum(amount_minor) FROM entries WHERE account = 'shop:sales'"
        " GROUP BY currency",
    ):
        if cents != booked[currency]:
            violations.append(
                f"The shop has {money(cents, currency)}, but its charges and refunds make"
                f" {money(booked[currency], currency)}."
            )
    for order_id, payment, state in rows(path, MISBOOKED):
        violations.append(
            f"Order {order_id} has the payment {payment}, which is {state}, but not in the ledger."
        )
    for order_id, by, payment, state in rows(path, BY_HAND):
        cases[order_id].by_hand[by] += 1
        if state != "refunded":
            violations.append(
                f"Order {order_id} was refunded by hand by {by}, but its payment {payment} is "
                f"{state or 'not known'}."
            )


def parcels(path: Path, cases: Cases) -> None:
    for order_id, state, units in rows(path, "SELECT order_id, state, units FROM shipments"):
        cases[order_id].parcels[state] += 1
        if state == "handed_over":
            cases[order_id].units_handed_over += units


def mails(data: Path, cases: Cases, violations: list[str]) -> dict[str, int]:
    """What lies in the mailbox counts; returns the mails by kind."""
    totals = Counter(confirmation=0, failure=0)
    with closing(mailbox.Maildir(data / "mailbox", create=False)) as box:
        for message in box if (data / "mailbox").is_dir() else ():
            kind = str(message["X-Kind"])
            totals[kind] += 1
            cases[str(message["X-Order"])].mails[kind] += 1
    for order_id, kind in rows(
        data / "mail.sqlite", "SELECT order_id, kind FROM messages WHERE state = 'sent'"
    ):
        if not cases[order_id].mails[kind]:
            violations.append(
                f"Order {order_id} has a {kind} mail that counts as sent but never arrived."
            )
    return dict(totals)


def rows(path: Path, query: str) -> Iterator[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        yield from database.execute(query)
