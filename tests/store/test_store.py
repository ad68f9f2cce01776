"""The database of ours, on SQLite and on PostgreSQL: one suite for both."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from musterwerk.errors import StoreError, StoreMissing, UsageError
from musterwerk.store import DeadLetterTable, LetterRow, Store, database_url, schema
from musterwerk.store.schedule_tables import metadata
from tests.databases import Database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = LetterRow(
    id="order-1/refund",
    namespace="default",
    workflow_id="order-1",
    run_id="run",
    workflow_type="Order",
    task_queue="orders",
    saga="saga",
    step="charge/1",
    direction="undo",
    activity="refund",
    error="account closed",
    since=NOON,
    attempts=3,
    kind="undo",
    actions=["done", "skip"],
)
SETTLED = replace(
    LETTER,
    attempts=4,
    settled_at=NOON + timedelta(hours=1),
    action="done",
    resolved_by="Ada",
    reason="by hand",
    resolved_at=NOON + timedelta(hours=1),
)


def address(database: Database) -> dict[str, str]:
    return {"MUSTERWERK_DATABASE_URL": database.url}


@pytest.fixture
def table(store: Store) -> DeadLetterTable:
    return DeadLetterTable(store)


def test_recording_twice_is_one_letter(table: DeadLetterTable) -> None:
    """A repeated activity would show the same letter twice."""
    table.record(LETTER)
    table.record(replace(LETTER, error="told again"))
    assert table.open() == [LETTER]
    assert table.settled() == []


def test_an_error_of_the_block_is_no_error_of_the_database(store: Store) -> None:
    """A missing file of the caller's would be told as a database that is away, and tried again."""
    with pytest.raises(FileNotFoundError), store.begin():
        raise FileNotFoundError("a file of the caller's")


def test_the_first_settlement_counts(table: DeadLetterTable) -> None:
    """A repeat would put somebody else's name under the decision."""
    table.record(LETTER)
    table.settle(SETTLED)
    table.settle(replace(SETTLED, resolved_by="Bob"))
    assert table.open() == []
    assert table.settled() == [SETTLED]


def test_settled_before_it_was_recorded_stays_settled(table: DeadLetterTable) -> None:
    """The late record would open it again, for ever."""
    table.settle(SETTLED)
    table.record(LETTER)
    assert (table.open(), table.settled()) == ([], [SETTLED])


def test_oldest_open_first_and_latest_settled_first(table: DeadLetterTable) -> None:
    west = timezone(timedelta(hours=-8))
    older = replace(LETTER, id="older", since=(NOON - timedelta(days=1)).astimezone(west))
    for letter in (LETTER, older):
        table.record(letter)
    assert [one.id for one in table.open()] == ["older", LETTER.id]
    assert [one.id for one in table.open(limit=1)] == ["older"]
    table.settle(SETTLED)
    table.settle(replace(SETTLED, id="older", settled_at=NOON))
    assert [one.id for one in table.settled()] == [LETTER.id, "older"]


def test_text_that_postgresql_refuses_is_kept_all_the_same(table: DeadLetterTable) -> None:
    """One such error message would be tried for ever and never be seen."""
    table.record(replace(LETTER, error="nul \0 half \ud800 fine ü"))
    assert table.open()[0].error == "nul \N{REPLACEMENT CHARACTER} half ? fine ü"


def test_an_alert_is_on_record_once_per_target(table: DeadLetterTable) -> None:
    table.mark_sent("one", "mail:ops@example.com", NOON)
    table.mark_sent("one", "mail:ops@example.com", NOON + timedelta(days=1))
    assert table.sent_at("one", "mail:ops@example.com") == NOON
    assert table.sent_at("one", "webhook") is None


def test_migrations_make_what_the_code_uses(store: Store) -> None:
    """A column forgotten in a migration would be missing at the customer's only."""
    store.prepare()
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "musterwerk_version", "compare_type": False}
        )
        assert compare_metadata(context, metadata) == []


def test_a_reader_and_a_writer_do_not_wait_for_each_other(store: Store) -> None:
    """A look into the inbox would hold up every decision; or show half of one."""
    table = DeadLetterTable(store)
    table.record(LETTER)
    count = text("SELECT count(*) FROM musterwerk_dead_letters")
    with store.read() as reading:
        assert reading.execute(count).scalar() == 1
        with store.begin() as writing:
            writing.execute(text("DELETE FROM musterwerk_dead_letters"))
            with store.read() as another:
                assert another.execute(count).scalar() == 1
        assert reading.execute(count).scalar() == 1
    assert table.open() == []


def test_a_newer_database_is_refused(store: Store, database: Database) -> None:
    """An old worker would write into tables it does not know."""
    store.prepare()
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE musterwerk_version SET version_num = '9999'"))
    for migrate in (True, False):
        late = Store(database_url(Path(), address(database)), migrate=migrate)
        with pytest.raises(StoreError, match=r"newer version .*'9999'") as caught:
            late.prepare()
        assert not caught.value.temporary
        late.close()


def test_a_database_of_two_versions_is_refused(store: Store, database: Database) -> None:
    """Which of them the tables are of, nobody knows."""
    store.prepare()
    with store.engine.begin() as connection:
        connection.execute(text("INSERT INTO musterwerk_version VALUES ('0001')"))
    for migrate in (True, False):
        again = Store(database_url(Path(), address(database)), migrate=migrate)
        with pytest.raises(StoreError, match=r"several versions: 0001, 0"):
            again.prepare()
        again.close()


def test_the_versions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", "musterwerk.store:migrations")
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert schema._known() == tuple(script.revision for script in scripts)  # pyright: ignore[reportPrivateUsage]


def test_a_reader_changes_nothing(database: Database) -> None:
    """A look at the list would migrate the database of a running system."""
    reader = Store(database_url(Path(), address(database)), migrate=False)
    with pytest.raises(StoreMissing):
        DeadLetterTable(reader).open()
    assert inspect(reader.engine).get_table_names() == []
    reader.close()


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match=r"musterwerk\.sqlite"):
        DeadLetterTable(Store(database_url(tmp_path, {}), migrate=False)).open()
    assert list(tmp_path.iterdir()) == []


def test_two_processes_open_a_new_database_at_once(database: Database) -> None:
    """Two workers that start together would break each other's tables."""
    code = (
        "import sys; from pathlib import Path; from musterwerk.store import *; "
        "store = Store(database_url(Path(), {'MUSTERWERK_DATABASE_URL': sys.argv[1]})); "
        "print('ready', flush=True); input(); print(len(DeadLetterTable(store).open()))"
    )
    racers = [
        subprocess.Popen(  # noqa: S603 - our own interpreter, our own code
            [sys.executable, "-c", code, database.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    ends = [racer.communicate(timeout=60) for racer in racers]
    assert ends == [("0\n", "")] * 4


def test_sqlite_survives_a_power_cut(tmp_path: Path) -> None:
    store = Store(database_url(tmp_path, {}))
    with store.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    store.close()


def test_a_database_that_is_away_says_so_without_its_password() -> None:
    url = "postgresql://musterwerk:secret@127.0.0.1:1/db"
    store = Store(database_url(Path(), {"MUSTERWERK_DATABASE_URL": url}))
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/db cannot be used") as caught:
        DeadLetterTable(store).open()
    assert caught.value.temporary
    assert "secret" not in str(caught.value)
    store.close()


@pytest.mark.parametrize("url", ["mysql://h/db", "nonsense", "postgresql://host"])
def test_an_address_we_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="MUSTERWERK_DATABASE_URL"):
        database_url(Path(), {"MUSTERWERK_DATABASE_URL": url})
