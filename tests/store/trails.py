"""A trail with all that is in a real one: requests with their own chains, other lines, seals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from musterwerk.approvals.state import Entry, Event
from musterwerk.store import Store, database_url
from musterwerk.store.audit import AuditLine, append
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.auditing import Retained
from musterwerk.store.checkpoints import Checkpointer
from tests.databases import Database

START = datetime(2026, 3, 1, 9, 30, 0, 120, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
REQUESTS = 12
ENTRIES = 14


def open_store(database: Database) -> Store:
    return Store(database_url(Path(), {"MUSTERWERK_DATABASE_URL": database.url}))


def story(request: int, entries: int = ENTRIES) -> list[AuditLine]:
    """The entries of one request, as an activity would hand them over."""
    request_id, before, lines = f"refund:{request}@x", "", list[AuditLine]()
    started = START + request * MINUTE
    for number in range(1, entries + 1):
        entry = Entry(
            number=number,
            at=started + number * timedelta(seconds=1, microseconds=number % 2),
            event=get_args(Event)[number % len(get_args(Event))],
            actor=f"anna {number}",
            channel="rest",
            on_behalf_of="bob" if number % 3 == 0 else None,
            digest="d" * 8,
            data={"reason": "zu teuer \u20ac\0", "amount": 730.1, "number": number, "list": [None]},
        ).sealed(before)
        before = entry.record
        lines.append(
            AuditLine(
                source=f"{request_id}@{started.isoformat()}/{number}",
                request_id=request_id,
                **{name: getattr(entry, name) for name in ("at", "event", "actor", "channel")},
                **{name: getattr(entry, name) for name in ("on_behalf_of", "digest", "data")},
                record=before,
            )
        )
    return lines


def retained(request: int, entries: int = ENTRIES, *, may_grow: bool = False) -> Retained:
    """What Temporal would say of it."""
    started, record = START + request * MINUTE, story(request, entries)[-1].record
    return Retained(f"refund:{request}@x", started, entries, record, may_grow)


def other(name: str) -> AuditLine:
    return AuditLine(f"people/{name}", START, None, "person added", "root", "cli", data={"a": name})


def put(store: Store, *lines: AuditLine) -> None:
    with store.begin() as connection:
        append(connection, lines)


def batches() -> Iterator[list[AuditLine]]:
    for request in range(REQUESTS):
        yield [*story(request), other(str(request))]


def sealed_trail(store: Store, folder: AuditFolder) -> None:
    """Some 190 lines; a checkpoint after each third request, the last one over everything."""
    checkpointer = Checkpointer(store, folder)
    for number, lines in enumerate(batches(), 1):
        put(store, *lines)
        if number % 3 == 0:
            assert checkpointer.make(START + number * MINUTE) is not None
