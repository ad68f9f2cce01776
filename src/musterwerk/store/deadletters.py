"""The table of dead letters: recorded once, settled once, in whatever order that is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from musterwerk.store.database import Store
from musterwerk.store.dialects import insert
from musterwerk.store.tables import alerts, dead_letters


@dataclass(frozen=True)
class LetterRow:
    """A dead letter as recorded. `direction` is "do" or "undo"; times are aware.

    `kind` is "undo", "forward" or "unknown"; `actions` are the answers that make sense.
    An open letter has no `settled_at`. In a settled one `action` says how; it is empty where
    the work succeeded after all.
    """

    id: str
    namespace: str
    workflow_id: str
    run_id: str
    workflow_type: str
    task_queue: str
    saga: str
    step: str
    direction: str
    activity: str
    error: str
    since: datetime
    attempts: int
    kind: str
    actions: list[str]
    settled_at: datetime | None = None
    action: str | None = None
    resolved_by: str | None = None
    reason: str | None = None
    resolved_at: datetime | None = None


class DeadLetterTable:
    """What is kept of dead letters, and of the alerts about them."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def record(self, letter: LetterRow) -> None:
        """Again, or after it was settled, changes nothing."""
        with self.store.begin() as connection:
            row = insert(connection, dead_letters).values(vars(letter))
            connection.execute(row.on_conflict_do_nothing(index_elements=["id"]))

    def settle(self, letter: LetterRow) -> None:
        """Keep how it was settled, whether or not it was recorded. The first time counts."""
        changed = ("attempts", "error", "settled_at", "action", "resolved_by", "reason")
        with self.store.begin() as connection:
            row = insert(connection, dead_letters).values(vars(letter))
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=["id"],
                    set_={name: row.excluded[name] for name in (*changed, "resolved_at")},
                    where=dead_letters.c.settled_at.is_(None),
                )
            )

    def open(self, limit: int | None = None) -> list[LetterRow]:
        """Oldest first."""
        query = select(dead_letters).where(dead_letters.c.settled_at.is_(None))
        return self._read(query.order_by(dead_letters.c.since, dead_letters.c.id).limit(limit))

    def settled(self, limit: int | None = None) -> list[LetterRow]:
        """Latest first."""
        query = select(dead_letters).where(dead_letters.c.settled_at.is_not(None))
        newest = (dead_letters.c.settled_at.desc(), dead_letters.c.id)
        return self._read(query.order_by(*newest).limit(limit))

    def sent_at(self, letter_id: str, target: str) -> datetime | None:
        """When this target was alerted; None if it was not."""
        query = select(alerts.c.sent_at).where(
            alerts.c.letter_id == letter_id, alerts.c.target == target
        )
        with self.store.begin() as connection:
            return connection.execute(query).scalar_one_or_none()

    def mark_sent(self, letter_id: str, target: str, at: datetime) -> None:
        """The first time is kept."""
        with self.store.begin() as connection:
            row = insert(connection, alerts).values(letter_id=letter_id, target=target, sent_at=at)
            connection.execute(row.on_conflict_do_nothing(index_elements=["letter_id", "target"]))

    def _read(self, query: Any) -> list[LetterRow]:
        with self.store.begin() as connection:
            rows: Sequence[Row[Any]] = connection.execute(query).all()
        return [_letter(row._mapping) for row in rows]  # pyright: ignore[reportPrivateUsage]


def _letter(row: Mapping[Any, Any]) -> LetterRow:
    return LetterRow(**row)
