"""The activities: counting orders in a SQLite file, and mailing what was counted."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from temporalio import activity

from examples.outbox import Outbox
from examples.report.period import Kind, period
from musterwerk.notify import Message

#: `placed_at` are Unix seconds: a wall-clock time comes twice on one night of the year.
ORDERS = "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, placed_at INTEGER, cents INTEGER)"
_SUM = "SELECT count(*), coalesce(sum(cents), 0) FROM orders WHERE placed_at >= ? AND placed_at < ?"


@dataclass(frozen=True)
class Wanted:
    kind: Kind
    zone: str
    due: datetime
    previous: datetime | None


@dataclass(frozen=True)
class Report:
    """`start` and `end` are in UTC, `cents` that of all orders from one to before the other."""

    kind: Kind
    zone: str
    start: datetime
    end: datetime
    orders: int
    cents: int


class Reporter:
    def __init__(self, orders: Path, outbox: Outbox) -> None:
        self._orders, self._outbox = orders, outbox

    @activity.defn
    def build_report(self, wanted: Wanted) -> Report:
        start, end = period(wanted.kind, wanted.zone, wanted.due, wanted.previous)
        span = int(start.timestamp()), int(end.timestamp())
        with closing(sqlite3.connect(f"{self._orders.as_uri()}?mode=ro", uri=True)) as db:
            orders, cents = db.execute(_SUM, span).fetchone()
        return Report(wanted.kind, wanted.zone, start, end, orders, cents)

    @activity.defn
    def mail_report(self, key: str, report: Report) -> int:
        """How many were told by this attempt."""
        return self._outbox.tell(_message(key, report))


def _message(key: str, report: Report) -> Message:
    where = ZoneInfo(report.zone)
    start, end = (f"{at.astimezone(where):%Y-%m-%d %H:%M}" for at in (report.start, report.end))
    hours = (report.end - report.start).total_seconds() / 3600
    total = Decimal(report.cents) / 100
    return Message(
        # The left part of a Message-ID: the @ and the colons of a run's key may not be in it.
        key=re.sub(r"[^A-Za-z0-9.-]", "-", key),
        subject=f"Orders, {report.kind.replace('_', ' ')}: {start} to {end}",
        text=f"{report.orders} orders of {total:.2f} EUR in {hours:g} hours, in {report.zone}.\n",
        data={"orders": report.orders, "total": f"{total:.2f}", "from": start, "until": end},
    )
