"""Two transactions at one key. On PostgreSQL the second is seen waiting before the first goes on.

On SQLite only one transaction writes at a time and a waiting one cannot be observed; there the
second is merely started, which both orders of events must survive.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from subprocess import PIPE
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from musterwerk.errors import EffectUndone
from musterwerk.saga import effects
from tests.databases import Database
from tests.saga.effects.bank import Bank
from tests.waiting import LIMIT

Work = Callable[[Session], object]


@pytest.fixture
def threads() -> Generator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=8) as pool:
        yield pool


def someone_waits(engine: Engine) -> bool:
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with engine.connect() as connection:
        return connection.execute(query).scalar_one() > 0


def overlap(
    threads: ThreadPoolExecutor, bank: Bank, first: Work, second: Work, *, crash: bool = False
) -> Future[object]:
    """Do `first`, start `second` in its own thread and transaction, and only then commit."""

    def run_second() -> object:
        with Session(bank.engine) as session, session.begin():
            return second(session)

    with Session(bank.engine) as session:
        first(session)
        future = threads.submit(run_second)
        if bank.engine.dialect.name == "postgresql":
            while not future.done() and not someone_waits(bank.engine):
                pass
            assert not future.done(), "the second transaction did not wait for the first"
        if not crash:
            session.commit()
    return future


def test_two_dos_at_once_charge_once(bank: Bank, threads: ThreadPoolExecutor) -> None:
    def charge(session: Session) -> object:
        return bank.charge(session, "k")

    second = overlap(threads, bank, charge, charge)
    assert second.result() == bank.charge_and_commit("k")
    assert bank.booked("k") == [500]


def test_the_second_do_takes_over_when_the_first_dies(
    bank: Bank, threads: ThreadPoolExecutor
) -> None:
    def charge(session: Session) -> object:
        return bank.charge(session, "k")

    overlap(threads, bank, charge, charge, crash=True).result()
    assert bank.booked("k") == [500]


def test_an_undo_waits_for_its_step_and_takes_it_back(
    bank: Bank, threads: ThreadPoolExecutor
) -> None:
    """The step timed out for the workflow while its transaction is still open."""
    second = overlap(threads, bank, lambda s: bank.charge(s, "k"), lambda s: bank.refund(s, "k"))
    assert second.result() is not None
    assert (bank.booked("k"), bank.state("k")) == ([500, -500], "undone")


def test_an_undo_that_waited_for_a_step_that_died_closes_the_door(
    bank: Bank, threads: ThreadPoolExecutor
) -> None:
    second = overlap(
        threads, bank, lambda s: bank.charge(s, "k"), lambda s: bank.refund(s, "k"), crash=True
    )
    assert second.result() is None
    assert (bank.booked("k"), bank.state("k")) == ([], "tombstone")


def test_a_step_that_waits_for_its_undo_is_refused(bank: Bank, threads: ThreadPoolExecutor) -> None:
    second = overlap(threads, bank, lambda s: bank.refund(s, "k"), lambda s: bank.charge(s, "k"))
    with pytest.raises(EffectUndone):
        second.result()
    assert (bank.booked("k"), bank.state("k")) == ([], "tombstone")


def test_two_undos_at_once_refund_once(bank: Bank, threads: ThreadPoolExecutor) -> None:
    bank.charge_and_commit("k")

    def refund(session: Session) -> object:
        return bank.refund(session, "k")

    second = overlap(threads, bank, refund, refund)
    assert second.result() == bank.refund_and_commit("k")
    assert bank.booked("k") == [500, -500]


def test_eight_at_once_over_twenty_keys_stay_balanced(
    bank: Bank, threads: ThreadPoolExecutor
) -> None:
    """Four steps and four undos per key, all let go at the same moment."""
    barrier = Barrier(8)

    def rush(work: Callable[[str], object]) -> int:
        refused = 0
        for number in range(20):
            barrier.wait(timeout=LIMIT)
            try:
                work(f"k{number}")
            except EffectUndone:
                refused += 1
        return refused

    works = [bank.charge_and_commit, bank.refund_and_commit] * 4
    for future in [threads.submit(rush, work) for work in works]:
        future.result()
    for number in range(20):
        key = f"k{number}"
        expected = {"undone": [500, -500], "tombstone": []}
        assert bank.booked(key) == expected[str(bank.state(key))]


def test_a_worker_killed_before_its_commit_has_done_nothing(bank: Bank, database: Database) -> None:
    """SIGKILL in the middle of a transaction; the next worker charges, once."""
    command = [sys.executable, "-m", "tests.saga.effects.dies", database.url]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as worker:  # noqa: S603 -- our own
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"charged\n"
        worker.kill()
    assert worker.returncode == -signal.SIGKILL
    bank.charge_and_commit("k")
    assert bank.booked("k") == [500]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize(
    ("first", "second", "after"),
    [
        ("charge", "charge", [500]),
        ("charge", "refund", [500, -500]),
        ("refund", "refund", []),
        ("refund", "charge", []),
    ],
)
def test_stricter_isolation_fails_the_second_and_a_retry_finds_the_record(
    postgres: Database,
    threads: ThreadPoolExecutor,
    level: str,
    first: str,
    second: str,
    after: list[int],
) -> None:
    """Its snapshot is older than the record it meets: it must never take that for "not done"."""
    bank = Bank(postgres.engine(isolation_level=level))
    works: dict[str, Work] = {
        "charge": lambda session: bank.charge(session, "k"),
        "refund": lambda session: bank.refund(session, "k"),
    }
    with pytest.raises(OperationalError, match="could not serialize access"):
        overlap(threads, bank, works[first], works[second]).result()
    with suppress(EffectUndone), Session(bank.engine) as session, session.begin():
        works[second](session)
    assert bank.booked("k") == after


def test_a_snapshot_taken_before_the_first_commit_fails_too(postgres: Database) -> None:
    bank = Bank(postgres.engine(isolation_level="REPEATABLE READ"))
    with Session(bank.engine) as session, session.begin():
        assert effects.probe(session, "k") is None
        bank.charge_and_commit("k")
        with pytest.raises(OperationalError, match="could not serialize access"):
            bank.charge(session, "k")
    assert bank.booked("k") == [500]


def test_a_record_cleaned_away_meanwhile_frees_its_key(postgres: Database) -> None:
    """The row in the way of the INSERT is gone when it is looked for: charge, and record it."""
    bank = Bank(postgres.engine())
    bank.charge_and_commit("k")
    cleaner = postgres.engine()

    @event.listens_for(bank.engine, "after_cursor_execute")
    def _(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO musterwerk_effects"):
            with cleaner.begin() as connection:
                connection.execute(
                    effects.effects.delete().where(effects.effects.c.state == "done")
                )

    bank.charge_and_commit("k")
    assert (bank.booked("k"), bank.state("k")) == ([500, 500], "done")


def test_processes_that_start_together_all_create_the_table(
    database: Database, threads: ThreadPoolExecutor
) -> None:
    engine = database.engine(pool_size=8)
    barrier = Barrier(8)

    def create(_: int) -> None:
        with engine.connect():
            barrier.wait(timeout=LIMIT)
        effects.create_tables(engine)

    assert list(threads.map(create, range(8))) == [None] * 8
