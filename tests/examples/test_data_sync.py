"""The data sync: no window is lost or copied twice, whatever is repeated, late or killed."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from examples.clock import Clock, declared
from examples.data_sync.__main__ import JANUARY, fill, january, records, serving
from examples.data_sync.copying import PAGE, Copier, Synced, Window
from examples.data_sync.workflow import DataSyncWorkflow
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from tests.examples.conftest import replay

NIGHTLY = declared("customers-sync")
DAY = Window(
    "k", datetime(2024, 1, 4, 23, 30, tzinfo=UTC), datetime(2024, 1, 5, 23, 30, tzinfo=UTC)
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    fill(tmp_path / "source.sqlite", january())
    return tmp_path / "source.sqlite", tmp_path / "target.sqlite"


def book(target: Path) -> list[Any]:
    with closing(sqlite3.connect(target)) as db:
        return db.execute("SELECT * FROM syncs ORDER BY key").fetchall()


async def test_january_2024_is_made_up_for_once_each_day_its_own(
    clock: Clock, threads: ThreadPoolExecutor, files: tuple[Path, Path]
) -> None:
    source, target = files
    async with serving(clock.client, threads, source, target):
        await clock.apply(NIGHTLY)
        runs = await clock.backfill(NIGHTLY, *JANUARY, Synced)
        assert len({run.key for run in runs}) == 31
        assert all(run.end - run.start == timedelta(days=1) for run in runs)
        assert all(one.end == following.start for one, following in pairwise(runs))
        assert (runs[0].start, runs[-1].end) == (
            datetime(2023, 12, 31, 23, 30, tzinfo=UTC),
            datetime(2024, 1, 31, 23, 30, tzinfo=UTC),
        )
        # Those of the first day have moved since, and are read where they changed last.
        assert [run.read for run in runs] == [0, *[3] * 18, 6, *[3] * 10, 0]
        assert sum(run.inserted for run in runs) == 90
        was = records(source), book(target)
        assert records(target) == was[0]

        assert await clock.backfill(NIGHTLY, *JANUARY, Synced) == []
        assert await clock.backfill(NIGHTLY, *JANUARY, Synced, again=True) == runs
        assert (records(target), book(target)) == was
    await replay(clock.run_of(NIGHTLY, runs[5].end, Synced), DataSyncWorkflow)


async def test_what_is_triggered_goes_from_the_last_due_time_until_now(
    clock: Clock, threads: ThreadPoolExecutor, files: tuple[Path, Path]
) -> None:
    async with serving(clock.client, threads, *files):
        await clock.apply(NIGHTLY)
        run = await (await clock.trigger(NIGHTLY, Synced)).result()
    assert timedelta(0) < run.end - run.start <= timedelta(hours=25)
    assert run.start.minute == 30


async def test_started_by_hand_it_has_no_window_and_says_so(
    clock: Clock, threads: ThreadPoolExecutor, files: tuple[Path, Path]
) -> None:
    async with serving(clock.client, threads, *files):
        with pytest.raises(WorkflowFailureError) as caught:
            await clock.client.execute_workflow(
                DataSyncWorkflow.run, "customers", id="by-hand", task_queue="syncing"
            )
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "NotScheduled"


def test_two_attempts_at_once_count_each_row_once(
    threads: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Temporal gives an attempt up that does not answer, and it may go on all the same."""
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    fill(source, january(each_day=20 * PAGE))
    copier = Copier(source, target)

    def attempt(_: int) -> Synced:
        return ActivityEnvironment().run(copier.copy_changes, "customers", DAY)

    several = list(threads.map(attempt, range(4)))
    assert several == [Synced("k", DAY.start, DAY.end, 20 * PAGE, 20 * PAGE, 0)] * 4
    assert len(records(target)) == 20 * PAGE


def test_an_old_window_takes_nothing_back(files: tuple[Path, Path]) -> None:
    """An attempt that has read a row and writes it an hour later must not undo what is newer."""
    source, target = files
    copier = Copier(source, target)
    noon = int(datetime(2024, 1, 5, 12, tzinfo=UTC).timestamp())
    fill(target, [("customers", "C-05-00000", "newer", noon + 1)])
    fill(target, [("customers", "C-05-00001", "older", noon - 1)])
    done = ActivityEnvironment().run(copier.copy_changes, "customers", DAY)
    assert (done.read, done.inserted, done.updated) == (3, 1, 1)
    assert [row[2] for row in records(target)] == ["newer", "new", "new"]


def test_a_key_that_is_complete_copies_nothing_any_more(files: tuple[Path, Path]) -> None:
    """A repeat tells what the run did. Where the source was mended, its line is taken out first."""
    source, target = files
    copier = Copier(source, target)
    first = ActivityEnvironment().run(copier.copy_changes, "customers", DAY)
    noon = int(datetime(2024, 1, 5, 12, tzinfo=UTC).timestamp())
    fill(source, [("customers", "C-99", "late", noon)])
    assert ActivityEnvironment().run(copier.copy_changes, "customers", DAY) == first
    assert len(records(target)) == 3
    with closing(sqlite3.connect(target)) as db, db:
        db.execute("DELETE FROM syncs WHERE key = 'k'")
    again = ActivityEnvironment().run(copier.copy_changes, "customers", DAY)
    assert (again.read, again.inserted, again.updated) == (4, 1, 0)


def test_no_declared_sync_lets_a_window_go() -> None:
    """With `skip` a window that is due while another is copied would never be."""
    for name in ("customers-sync", "prices-sync"):
        found = declared(name)
        assert (found.workflow, found.overlap) == ("DataSyncWorkflow", "buffer_all")
        assert found.catch_up >= timedelta(days=7)
