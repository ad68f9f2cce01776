"""What has yet to be told to people: written with what happened, sent by whoever claims it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update

from musterwerk.store.approval_tables import notices, notices_sent
from musterwerk.store.database import Store
from musterwerk.store.dialects import insert


@dataclass(frozen=True)
class NoticeRow:
    """A notice that is somebody's to send. `attempts` counts the failed ones before."""

    key: str
    event: str
    request_id: str
    to: tuple[str, ...]
    but: tuple[str, ...]
    actor: str
    text: str
    at: datetime
    attempts: int = 0
    last_error: str | None = None


class NoticeTable:
    """Notices are claimed for a while: if who claimed one dies, it is due again."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def claim(self, now: datetime, limit: int, for_seconds: float) -> list[NoticeRow]:
        """Those that are due, the longest due first. No two callers get the same."""
        due = (
            select(notices)
            .where(notices.c.done_at.is_(None), notices.c.due_at <= now)
            .where(or_(notices.c.claimed_until.is_(None), notices.c.claimed_until < now))
            .order_by(notices.c.due_at, notices.c.key)
            .limit(limit)
            # SQLite has no such thing: there, one transaction writes at a time.
            .with_for_update(skip_locked=True)
        )
        with self.store.begin() as connection:
            rows = connection.execute(due).mappings().all()
            change = update(notices).where(notices.c.key.in_([row["key"] for row in rows]))
            if rows:
                until = now + timedelta(seconds=for_seconds)
                connection.execute(change.values(claimed_until=until))
        return [_notice(row) for row in rows]

    def sent_to(self, key: str) -> set[str]:
        query = select(notices_sent.c.target).where(notices_sent.c.key == key)
        with self.store.read() as connection:
            return set(connection.execute(query).scalars())

    def mark_sent(self, key: str, target: str, at: datetime) -> None:
        """The first time is kept."""
        with self.store.begin() as connection:
            row = insert(connection, notices_sent).values(key=key, target=target, sent_at=at)
            connection.execute(row.on_conflict_do_nothing(index_elements=["key", "target"]))

    def done(self, key: str, at: datetime) -> None:
        """Everybody was told, or never will be. `last_error` stays, for whoever wonders."""
        change = update(notices).where(notices.c.key == key, notices.c.done_at.is_(None))
        with self.store.begin() as connection:
            connection.execute(change.values(done_at=at, claimed_until=None))

    def failed(self, key: str, error: str, next_due: datetime) -> None:
        """To be tried again from `next_due`, by anybody."""
        change = update(notices).where(notices.c.key == key, notices.c.done_at.is_(None))
        values = {"due_at": next_due, "claimed_until": None, "last_error": error}
        with self.store.begin() as connection:
            connection.execute(change.values(attempts=notices.c.attempts + 1, **values))

    def waiting(self) -> int:
        """How many have yet to be sent."""
        query = select(func.count()).select_from(notices).where(notices.c.done_at.is_(None))
        with self.store.read() as connection:
            return int(connection.execute(query).scalar_one())


def _notice(row: Mapping[Any, Any]) -> NoticeRow:
    fields: dict[str, Any] = {name: row[name] for name in NoticeRow.__dataclass_fields__}
    fields |= {"to": tuple(row["to"]), "but": tuple(row["but"])}
    return NoticeRow(**fields)
