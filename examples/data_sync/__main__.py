"""January 2024, made up for: each day's own window; and once more, with nothing left to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from examples.clock import Clock, declared
from examples.data_sync.copying import RECORDS, Copier, Synced
from examples.data_sync.workflow import DataSyncWorkflow
from examples.running import play

JANUARY = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, 23, 59, tzinfo=UTC)


def january(each_day: int = 3) -> list[tuple[str, str, str, int]]:
    """So many new customers at noon of each day; those of the first day move on the 20th."""
    rows = dict[str, tuple[str, str, str, int]]()
    for day in range(1, 31):
        at = int(datetime(2024, 1, day, 12, tzinfo=UTC).timestamp())
        for number in range(each_day):
            name = f"C-{day:02}-{number:05}"
            rows[name] = ("customers", name, "new", at)
            if day == 20:
                first = f"C-01-{number:05}"
                rows[first] = ("customers", first, "moved", at)
    return list(rows.values())


def fill(source: Path, rows: Iterable[tuple[str, str, str, int]]) -> None:
    with closing(sqlite3.connect(source)) as db, db:
        db.execute(RECORDS)
        db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)


def records(file: Path) -> list[tuple[str, str, str, int]]:
    with closing(sqlite3.connect(file)) as db:
        return db.execute("SELECT * FROM records ORDER BY dataset, id").fetchall()


def serving(client: Client, threads: ThreadPoolExecutor, source: Path, target: Path) -> Worker:
    return Worker(
        client,
        task_queue="syncing",
        workflows=[DataSyncWorkflow],
        activities=[Copier(source, target).copy_changes],
        activity_executor=threads,
    )


async def main(client: Client, folder: Path) -> None:
    source, target = folder / "source.sqlite", folder / "target.sqlite"
    fill(source, january())
    clock, nightly = Clock(client), declared("customers-sync")
    with ThreadPoolExecutor(8) as threads:
        async with serving(client, threads, source, target):
            await clock.apply(nightly)
            made_up = await clock.backfill(nightly, *JANUARY, Synced)
            tell("made up for", made_up)
            tell("the same again", await clock.backfill(nightly, *JANUARY, Synced))
            before = records(target)
            tell("repeated", await clock.backfill(nightly, *JANUARY, Synced, again=True))
            print(f"as before: {records(target) == before == records(source)}")


def tell(what: str, runs: list[Synced]) -> None:
    print(f"{what}: {len(runs)} runs, {sum(run.read for run in runs)} rows read")
    for run in runs[1:3]:
        print(
            f"    {run.start:%d %b %H:%M} to {run.end:%d %b %H:%M} UTC, {run.end - run.start}: "
            f"{run.inserted} inserted, {run.updated} updated"
        )


if __name__ == "__main__":
    play(main)
