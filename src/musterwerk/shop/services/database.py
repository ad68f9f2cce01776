"""A service's SQLite file: durable, one writer at a time, every change a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import MetaData, create_engine, event
from sqlalchemy.orm import Session

from musterwerk.saga import effects

BUSY_TIMEOUT_MS = 10_000
T = TypeVar("T")


class Database:
    """`metadata` holds the service's tables; the ledger of effects is beside them."""

    def __init__(self, path: Path, metadata: MetaData) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(f"sqlite:///{path}")
        self._turn = threading.Lock()
        effects.sqlite_begin_immediate(self._engine)
        event.listen(self._engine, "connect", _prepare)
        with self._engine.begin() as connection:
            metadata.create_all(connection)
            effects.create_tables(connection)

    @contextmanager
    def transaction(self) -> Generator[Session, None, None]:
        """A session that commits at the end of the block, or leaves nothing behind."""
        # SQLite lets writers wait by polling, up to 0.1 s too long; our own threads queue here.
        with self._turn, Session(self._engine) as session, session.begin():
            yield session

    def once(self, key: str, request: Mapping[str, Any], effect: Callable[[Session], T]) -> T:
        """A step: its effect happens once under the caller's key."""
        with self.transaction() as session:
            return effects.do(session, key, request, lambda: effect(session))

    def onward(self, key: str, request: Mapping[str, Any], effect: Callable[[Session], T]) -> T:
        """A change that no undo names: it happens once, under a key of the call's own."""
        return self.once(_call(key), request, effect)

    def back(
        self, key: str, undoes: str, order_id: str, undo: Callable[[Session, Any], T]
    ) -> T | None:
        """Take back once what was done under the key `undoes`, or see to it that it never is.

        `undo` gets what the step had answered.
        """
        return self.onward(
            key,
            {"undoes": undoes, "order_id": order_id},
            lambda session: effects.undo(session, undoes, lambda done: undo(session, done)),
        )

    def close(self) -> None:
        self._engine.dispose()


def now() -> str:
    """The time as the tables keep it: UTC, ISO 8601, sortable as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _call(key: str) -> str:
    # An undo's own key must not be taken for the key of what it undoes.
    return f"call:{key}"


def _prepare(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
