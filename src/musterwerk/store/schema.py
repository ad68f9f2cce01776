"""Bringing the tables up to date, and refusing those that this version does not know."""

from __future__ import annotations

import fcntl
import pkgutil
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from musterwerk.errors import StoreError, StoreMissing
from musterwerk.store.migrations import versions

#: Not Alembic's own default: the database may have an application's migrations in it, too.
VERSION_TABLE = "musterwerk_version"

#: Any fixed number will do; it only has to be the same in every process that migrates.
_LOCK = 0x6D757374_6F72


def migrate(engine: Engine, file: Path | None) -> None:
    """Bring the database to the newest version, in one transaction. The second of two waits."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file), engine.connect() as connection:
        if file is not None:
            # Not while a transaction is open, and refused while others are at it.
            raw = connection.connection.driver_connection
            assert raw is not None  # noqa: S101 - for the type checker; it is connected
            raw.execute("PRAGMA journal_mode=WAL")
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            version = _version(connection)
            _refuse_newer(version)
            if version != _newest():
                _upgrade(connection)


def check(connection: Connection) -> None:
    """Raise unless the tables are this version's."""
    version = _version(connection)
    if version is None:
        raise StoreMissing("the database has no tables of Musterwerk's yet")
    _refuse_newer(version)
    if version != _newest():
        raise StoreError(
            f"the database has the tables of an older version ({version}); "
            "`musterwerk worker` of this version brings them up to date when it starts"
        )


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - ours
    told = connection.scalars(query).all()
    if len(told) > 1:
        several = ", ".join(sorted(told))
        raise StoreError(f"the database's tables claim to be of several versions: {several}")
    return told[0] if told else None


def _refuse_newer(version: str | None) -> None:
    if version is not None and version not in _known():
        raise StoreError(
            f"the database was written by a newer version of Musterwerk (its tables are at "
            f"{version!r}, this version knows up to {_newest()!r}); "
            "install that version or a later one"
        )


@cache
def _known() -> tuple[str, ...]:
    """The versions, the newest first, as the names of their scripts say."""
    scripts = [module.name for module in pkgutil.iter_modules(versions.__path__)]
    return tuple(sorted((name[1:].split("_")[0] for name in scripts), reverse=True))


def _newest() -> str:
    return _known()[0]


def _upgrade(connection: Connection) -> None:
    # Nearly always there is nothing to do, and Alembic takes as long to load as SQLAlchemy.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "musterwerk.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _alone(file: Path | None) -> Generator[None]:
    """One process at a time: SQLite cannot wait for its turn to switch a new file to WAL."""
    if file is None:
        yield
        return
    with file.with_name(file.name + ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
