"""One database: connecting to it, and transactions on tables that are sure to be there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from musterwerk.errors import StoreError, StoreMissing
from musterwerk.store import schema

#: How long to wait for another writer, and for a server that does not answer.
_LOCK_SECONDS = 10
_CONNECT_SECONDS = 5

_READS = "musterwerk_reads"
_SNAPSHOTS: dict[str, dict[str, Any]] = {
    "sqlite": {_READS: True},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


class Store:
    """A database whose tables are brought up to date at the first use.

    Nothing is opened before that, so a database that is away for a while costs its own calls
    only: they raise `StoreError`, and the next one tries again. With `migrate=False` it is never
    changed: older tables are refused, and none raise `StoreMissing`.
    """

    def __init__(self, url: URL, *, migrate: bool = True) -> None:
        self.url = url
        self._migrate = migrate
        self._ready = False
        self._opening = threading.Lock()
        self.engine = _engine(url)

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)

    def close(self) -> None:
        self.engine.dispose()

    def prepare(self) -> None:
        """See to the tables. Several processes may do so at once."""
        with self._opening, self._explained():
            if self._ready:
                return
            if self._migrate:
                schema.migrate(self.engine, _file(self.url))
            else:
                self._check()
            self._ready = True

    @contextmanager
    def begin(self) -> Generator[Connection]:
        """A transaction: committed at the end of the block, rolled back if it raises."""
        self.prepare()
        # The drivers wrap all of theirs: a bare OSError is the block's own.
        with self._explained((DBAPIError,)), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Everything read in the block is of one moment; no writer waits for it, nor it for one."""
        self.prepare()
        with self._explained((DBAPIError,)), self.engine.connect() as fresh:
            connection = fresh.execution_options(**_SNAPSHOTS[fresh.dialect.name])
            with connection.begin():
                yield connection

    def _check(self) -> None:
        file = _file(self.url)
        # Connecting would create the file.
        if file is not None and not file.exists():
            raise StoreMissing(f"there is no database {file}")
        with self.engine.connect() as connection:
            schema.check(connection)

    @contextmanager
    def _explained(
        self, kinds: tuple[type[Exception], ...] = (DBAPIError, OSError, sqlite3.Error)
    ) -> Generator[None]:
        try:
            yield
        except kinds as error:
            raise StoreError(
                f"the database {self} cannot be used: {_reason(error)}", temporary=True
            ) from error


def _reason(error: Exception) -> str:
    """In one line; the drivers have hints for several."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(str(getattr(error, "orig", error)).split())


def _file(url: URL) -> Path | None:
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _engine(url: URL) -> Engine:
    if _file(url) is None:
        options = {"connect_timeout": _CONNECT_SECONDS}
        return create_engine(url, pool_pre_ping=True, connect_args=options)
    engine = create_engine(url, connect_args={"timeout": _LOCK_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _every_commit_is_on_disk)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _every_commit_is_on_disk(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=FULL")


def _begin_immediate(connection: Connection) -> None:
    """Python's driver would begin at the first write, where waiting for the lock can deadlock."""
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
