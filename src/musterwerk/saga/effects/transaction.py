"""The record and the effect in one transaction, whatever state the session comes in."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ResourceClosedError
from sqlalchemy.orm import Session

from musterwerk.errors import UsageError
from musterwerk.saga.effects.table import effects


@contextmanager
def together(session: Session, key: str) -> Generator[Connection]:
    """Everything in this block stands or falls together; the transaction stays the caller's.

    A savepoint, so that a caller who catches a refusal and commits its own notes about it does
    not commit half an effect, or the record of an effect that never was.
    """
    where = {"clause": effects}
    _begin(session.connection(bind_arguments=where))
    savepoint = session.begin_nested()
    # A connection takes part in the savepoint once the session has been asked for it again.
    connection = session.connection(bind_arguments=where)

    def refuse_commit(owner: Session) -> None:
        # Savepoints of the effect's own may come and go; ours is not for it to release.
        if owner.get_nested_transaction() in (savepoint, None):
            raise UsageError(
                f"the effect of {key!r} tried to commit the session. Its record would have "
                "stayed behind without a result: leave committing to whoever opened the session."
            )

    with savepoint:
        # The savepoint knows its real session, also behind a scoped_session.
        event.listen(savepoint.session, "before_commit", refuse_commit)
        try:
            yield connection
        except ResourceClosedError as error:
            raise UsageError(_ENDED.format(key=key)) from error
        finally:
            event.remove(savepoint.session, "before_commit", refuse_commit)
        if not savepoint.is_active:
            raise UsageError(_ENDED.format(key=key))


def _begin(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Not the driver's own: asyncpg's connection has no such attribute, its adapter has.
        adapter: Any = connection.connection.dbapi_connection
        if adapter.autocommit:
            raise UsageError(_AUTOCOMMIT)
    elif connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        if driver.in_transaction:
            return
        # sqlite3 has "autocommit" from Python 3.12 on; there, True is the autocommit mode.
        if driver.isolation_level is None or getattr(driver, "autocommit", None) is True:
            raise UsageError(_AUTOCOMMIT)
        # sqlite3 would begin at the first INSERT only, which is after the savepoint: releasing
        # that would then commit. IMMEDIATE, as the first thing to come is a write.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        raise UsageError(
            f"effects can be kept on SQLite and PostgreSQL, not on {connection.dialect.name!r}"
        )


_ENDED = (
    "the effect of {key!r} rolled back or closed the session, and its record with it. To give "
    "up, let the effect raise instead."
)
_AUTOCOMMIT = (
    "effects need a transaction, and this session's connection is in autocommit mode: the "
    "record and the effect would be committed one by one. Use an engine without "
    'isolation_level="AUTOCOMMIT".'
)


def sqlite_begin_immediate(engine: Engine) -> None:
    """Begin every transaction of this SQLite engine with BEGIN IMMEDIATE.

    For transactions that read before they write: one that began as a reader cannot become a
    writer once somebody else has written, and fails at once with "database is locked", whatever
    its timeout. With an AsyncEngine, pass its `sync_engine`. Call it before the first connection.
    """
    if engine.dialect.name != "sqlite":
        raise UsageError(f"sqlite_begin_immediate has no use for a {engine.dialect.name!r} engine")

    @event.listens_for(engine, "connect")
    def _(driver: Any, record: object) -> None:
        driver.isolation_level = None  # sqlite3 shall not begin by itself

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
