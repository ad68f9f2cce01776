"""`examples/schedules.toml`: its commands and its worker, as its first lines say, and kill -9."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples.clock import FILE, Clock, declared
from examples.data_sync.__main__ import fill, records
from examples.data_sync.copying import PAGE, Synced

from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules.backfilling import do_backfill, make_backfill
from tests.cli.support import Result, environment, musterwerk
from tests.receivers import WebhookServer, webhook_server
from tests.waiting import until

ROOT = FILE.parents[1]
DUE = datetime(2024, 1, 5, 23, 30, tzinfo=UTC)
NAMES = {
    "customers-sync",
    "prices-sync",
    "daily-report",
    "working-days-report",
    "monthly-report",
    "health-check",
}
Cli = Callable[..., Result]


@pytest.fixture
def cli(own_server: EmbeddedServer, tmp_path: Path) -> Cli:
    def run(*args: str) -> Result:
        return musterwerk("schedules", *args, "--address", own_server.address, home=tmp_path)

    return run


@pytest.fixture
def hook() -> Iterator[WebhookServer]:
    with webhook_server() as server:
        yield server


@contextmanager
def worker(folder: Path, address: str, hook: WebhookServer) -> Generator[subprocess.Popen[str]]:
    settings = {"TEMPORAL_ADDRESS": address, "MUSTERWERK_ALERT_WEBHOOK": hook.url}
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own example
        [sys.executable, "-m", "examples.worker", str(folder)],
        cwd=ROOT,
        env=environment(folder, settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "syncing, reporting, monitoring\n"
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def test_from_lint_to_destroy(
    cli: Cli, own_server: EmbeddedServer, tmp_path: Path, hook: WebhookServer
) -> None:
    file = str(FILE)
    with worker(tmp_path, own_server.address, hook):
        assert cli("lint", file).code == 0
        assert cli("plan", file).code == 3
        applied = cli("apply", file, "-o", "json")
        assert {one["schedule"] for one in applied.data if one["done"]} == NAMES
        assert cli("plan", file).code == 0

        following = cli("next", file, "--count", "5", "-o", "json").data
        assert {one["according_to"] for one in following} == {"the server"}
        local = {
            name: [one["due_local"] for one in following if one["schedule"] == name]
            for name in NAMES
        }
        assert {len(times) for times in local.values()} == {5}
        assert {at[11:16] for at in local["daily-report"]} == {"06:00"}
        assert {at[8:16] for at in local["monthly-report"]} == {"01T00:00"}
        assert all(datetime.fromisoformat(at).weekday() < 5 for at in local["working-days-report"])

        assert cli("pause", "daily-report", "--note", "maintenance window").code == 0
        assert cli("show", "daily-report", "-o", "json").data["paused"]
        assert cli("unpause", "daily-report", "--note", "maintenance is over").code == 0
        assert cli("trigger", "monthly-report").code == 0
        await until(lambda: [body["total"] for _, body in hook.posts] != [])

        january = ("customers-sync", "--from", "2024-01-01", "--until", "2024-02-01")
        assert cli("backfill", *january, "--dry-run", "-o", "json").data["due"] == 31
        assert cli("backfill", *january, "--yes").code == 0
        await until(lambda: len(records(tmp_path / "target.sqlite")) == 90)
        assert cli("backfill", *january, "--yes", "-o", "json").data["missing"] == []
    assert cli("destroy", file, "--yes").code == 0
    assert cli("list", "-o", "json").data == []


async def test_a_worker_killed_in_the_middle_of_a_sync_and_gone_on(
    clock: Clock, own_server: EmbeddedServer, tmp_path: Path, hook: WebhookServer
) -> None:
    rows, target = 200 * PAGE, tmp_path / "target.sqlite"
    noon = int(DUE.timestamp()) - 12 * 3600
    fill(
        tmp_path / "source.sqlite",
        [("customers", f"C-{number}", "new", noon) for number in range(rows)],
    )
    nightly = declared("customers-sync")
    await clock.apply(nightly)
    plan = await make_backfill(clock.server, nightly.name, DUE, DUE)
    with ExitStack() as held:
        with worker(tmp_path, own_server.address, hook) as process:
            db = held.enter_context(closing(sqlite3.connect(target, 30, isolation_level=None)))
            made_up = asyncio.create_task(do_backfill(clock.server, plan))
            await until(lambda: copied(db) > 0)
            db.execute("BEGIN IMMEDIATE")  # the next page waits for this lock, and dies waiting
            before = copied(db)
            assert 0 < before < rows
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert copied(db) == before
    await made_up
    with worker(tmp_path, own_server.address, hook):
        done = await clock.run_of(nightly, DUE, Synced).result()
    assert (done.read, done.inserted, done.updated) == (rows, rows, 0)
    assert len(records(target)) == rows


def copied(db: sqlite3.Connection) -> int:
    return db.execute("SELECT coalesce(sum(read), 0) FROM syncs").fetchone()[0]
