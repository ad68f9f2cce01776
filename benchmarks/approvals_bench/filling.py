"""Very many open requests: some told by the rules themselves, then multiplied in the database."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, text

from approvals_bench.company import Company, request
from musterwerk.approvals import course, rules, seats, views
from musterwerk.approvals.acts import Decide, Facts, Planning
from musterwerk.approvals.calendars import planning
from musterwerk.approvals.keeping import telling
from musterwerk.approvals.state import Record
from musterwerk.store import InboxTable, PeopleTable, Store
from musterwerk.store.approval_tables import kept_out, request_details, requests
from musterwerk.store.approval_tables import seats as seat_table
from musterwerk.store.telling import Telling

#: Copies of one request have deadlines this far apart: those of different ones interleave.
_APART = 61
#: Columns that differ between copies, by the dialect that writes them so.
_DIFFERENT = {
    "sqlite": {
        "expires_at": f"strftime('%Y-%m-%d %H:%M:%S', t.expires_at, '+' || (s.n * {_APART})"
        " || ' seconds') || substr(t.expires_at, 20)",
        "status": "replace(t.status, '\"' || t.id || '\"', '\"' || t.id || '-' || s.n || '\"')",
    },
    "postgresql": {
        "expires_at": f"t.expires_at + s.n * interval '{_APART} seconds'",
        "status": "replace(t.status::text, '\"' || t.id || '\"',"
        " '\"' || t.id || '-' || s.n || '\"')::json",
    },
}


def fill(store: Store, company: Company, count: int) -> int:
    """Returns how many there are: `count`, rounded up to a multiple of the originals."""
    originals = min(1000, max(50, count // 10))
    company.settle(store)
    inbox, now = InboxTable(store), datetime.now(UTC)
    for one in _originals(store, company, originals, now):
        inbox.write(one, now)
    copies = -(-count // originals) - 1
    with store.begin() as connection:
        for table in (requests, request_details, seat_table, kept_out):
            _multiply(connection, table, copies)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return originals * (copies + 1)


def told(store: Store, name: str, asked: Any, now: datetime, voter: str = "") -> Telling:
    """What the workflow of such a request would tell; with the vote of `voter`, if given."""
    principals = seats.principals(asked)
    persons = [voter] if voter else []
    found = PeopleTable(store).facts(principals, persons, asked.requester, now)
    facts = Facts(**asdict(found))
    timeline = planning.timeline(Planning(policy=asked.policy, level=0, started=now, since=now))
    step = course.begin(name, asked, timeline, facts, now)
    if voter:
        act = Decide(id="first", by=voter, outcome="approve")
        step = rules.apply(step.state, act, facts, now)
    return telling(
        Record(
            namespace="default",
            run_id="00000000-0000-0000-0000-000000000000",
            status=views.status(step.state),
            entries=step.entries,
            notices=step.notices,
        )
    )


def _originals(store: Store, company: Company, count: int, now: datetime) -> Iterator[Telling]:
    chance = random.Random(count)  # noqa: S311 - repeatable
    for number in range(count):
        asked = request(company, chance, number)
        group = seats.principals(asked)[0].removeprefix("group:")
        voter = chance.choice(company.members(group))
        votes = asked.policy.quorum == 2 and voter != asked.requester
        yield told(store, f"payment-{number:04}", asked, now, voter if votes else "")


def _multiply(connection: Connection, table: Table, copies: int) -> None:
    key = "id" if table is requests else "request_id"
    different = {key: f"t.{key} || '-' || s.n", **_DIFFERENT[connection.dialect.name]}
    names = [column.name for column in table.columns]
    values = ", ".join(different.get(name, f't."{name}"') for name in names)
    into = ", ".join(f'"{name}"' for name in names)
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({into}) "  # noqa: S608 - names of ours
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :copies) "
            f"SELECT {values} FROM {table.name} AS t CROSS JOIN s WHERE :copies > 0"
        ),
        {"copies": copies},
    )
