"""The monitor as our worker runs it, on a server of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select
from temporalio.client import (
    Client,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.client import Schedule as TemporalSchedule
from temporalio.testing import ActivityEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from musterwerk.notify import Settings
from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, apply, cron, every
from musterwerk.schedules.applying import change
from musterwerk.schedules.ledger.activities import MonitorActivities
from musterwerk.schedules.ledger.extending import extend
from musterwerk.schedules.ledger.starting import monitor_id
from musterwerk.schedules.ledger.sweep import Sweeper
from musterwerk.schedules.ledger.telling import Teller
from musterwerk.schedules.ledger.workflow import ScheduleMonitorWorkflow
from musterwerk.schedules.mark import MARK
from musterwerk.schedules.server import ScheduleServer
from musterwerk.store import Store, database_url
from musterwerk.store.incident_table import IncidentTable
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_reading import FireSearch, search_fires, summaries
from musterwerk.store.ledger_rows import Entry, FireRow, WatchRow
from musterwerk.store.schedule_tables import fires
from tests.ledgers import schedule_row
from tests.receivers import webhook_server
from tests.schedules.ledger.workflows import Lasting, Quick
from tests.waiting import LIMIT, until, until_async

GRACE = timedelta(seconds=3)
QUICK = Schedule("quick", Quick, task_queue="work", when=every("1s"))
ODD = Schedule("odd", Quick, task_queue="work", when=every("1s"))


@pytest_asyncio.fixture
async def own(tmp_path: Path) -> AsyncGenerator[Client]:
    async with EmbeddedServer(tmp_path / "temporal", ui=False) as server:
        yield await connect(server.address, isolated=True)


@pytest.fixture
def table(tmp_path: Path) -> Generator[LedgerTable]:
    store = Store(database_url(tmp_path, {}))
    yield LedgerTable(store)
    store.close()


@contextmanager
def dead_man() -> Generator[tuple[str, list[str]]]:
    pings: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pings.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alive", pings
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@asynccontextmanager
async def watching(client: Client, table: LedgerTable, settings: Settings) -> AsyncGenerator[None]:
    """The monitor, and a worker for what the schedules start."""
    monitor = MonitorActivities(client, table.store, settings, every=0.5)
    runner = UnsandboxedWorkflowRunner()
    async with (
        Worker(
            client,
            task_queue="ours",
            workflows=[ScheduleMonitorWorkflow],
            activities=monitor.all(),
            workflow_runner=runner,
        ),
        Worker(client, task_queue="work", workflows=[Quick, Lasting], workflow_runner=runner),
    ):
        await client.start_workflow(
            ScheduleMonitorWorkflow.run, id=monitor_id("ours"), task_queue="ours"
        )
        yield


async def test_who_owns_it_is_told_soon_after_the_grace(own: Client, table: LedgerTable) -> None:
    with webhook_server() as hook, dead_man() as (url, pings):
        waiting = Schedule(
            "waiting",
            Lasting,
            args=(60,),
            task_queue="work",
            when=every("2s"),
            overlap="buffer_all",
            grace=GRACE,
            alert=(hook.url,),
        )
        async with watching(own, table, Settings(dead_man=url)):
            await until(lambda: table.watched() is not None)
            await apply(own, waiting, set_name="test")
            await until(lambda: len(hook.posts) > 0)
            told_at = datetime.now(UTC)
            await until(lambda: len(pings) > 0)
    ((_, told),) = hook.posts
    assert (told["schedule"], told["verdict"]) == ("waiting", "late")
    assert told["reason"] == "it waits for the run before"
    due = datetime.fromisoformat(told["due"])
    assert due + GRACE < told_at < due + GRACE + timedelta(seconds=LIMIT)
    assert pings[0] == "/alive"


async def test_without_a_worker_nothing_has_run_and_somebody_is_told(
    own: Client, table: LedgerTable
) -> None:
    """The server starts runs all the same, and they looked like good ones."""
    with webhook_server() as hook:
        alone = Schedule(
            "alone",
            Quick,
            task_queue="nobody",
            when=every("2s"),
            grace=GRACE,
            alert=(hook.url,),
        )
        async with watching(own, table, Settings()):
            await until(lambda: table.watched() is not None)
            await apply(own, alone, set_name="test")
            await until(lambda: len(_fires(table)) >= 4 and len(hook.posts) > 0)
            (first, *others) = reversed(_fires(table))
            assert (first.verdict, first.status, first.begun_at) == ("late", "Running", None)
            assert {one.verdict for one in others} <= {"skipped", "waiting"}
            assert _success_rate(table) == 0.0
            async with Worker(
                own,
                task_queue="nobody",
                workflows=[Quick],
                workflow_runner=UnsandboxedWorkflowRunner(),
            ):
                await until(lambda: len(hook.posts) > 1)
    late, well = [told for _, told in hook.posts[:2]]
    assert (late["kind"], late["verdict"]) == ("open", "late")
    assert late["reason"] == "no worker had begun with it by the end of its grace"
    assert (well["kind"], well["due"]) == ("closed", late["due"])
    begun = next(one for one in _fires(table) if one.due == first.due)
    assert (begun.verdict, begun.status) == ("late", "Completed")
    assert begun.begun_at is not None
    assert begun.reason.startswith("a worker began with it")


async def test_a_run_that_hangs_is_told(own: Client, table: LedgerTable) -> None:
    """Those that it keeps out are skipped, as they should be, and for ever."""
    with webhook_server() as hook:
        hangs = Schedule(
            "hangs",
            Lasting,
            args=(3_600,),
            task_queue="work",
            when=every("1s"),
            grace=GRACE,
            alert=(hook.url,),
        )
        async with watching(own, table, Settings()):
            await until(lambda: table.watched() is not None)
            await apply(own, hangs, set_name="test")
            await until(lambda: len(hook.posts) > 0)
            (hung, *_) = reversed(_fires(table))
            await until(lambda: len(_fires(table)) >= 9)
    ((_, told),) = hook.posts
    assert (told["verdict"], told["kind"]) == ("skipped", "open")
    assert "due times in a row were skipped: the run of" in told["reason"]
    assert (hung.verdict, hung.status) == ("ran", "Running")
    begun = next(one for one in _fires(table) if one.due == hung.due)
    assert (begun.verdict, begun.begun_at is not None) == ("ran", True)


async def test_while_the_database_is_away_it_is_waited_for(own: Client, table: LedgerTable) -> None:
    """The monitor fails no task over it, and goes on when it is back."""
    async with watching(own, table, Settings()):
        await until(lambda: table.watched() is not None)
        await apply(
            own, Schedule("quick", Quick, task_queue="work", when=every("1s")), set_name="t"
        )
        with table.store.begin():  # nobody else can write meanwhile
            schedule = own.get_schedule_handle("quick")

            async def has_run() -> bool:
                return (await schedule.describe()).info.num_actions >= 3

            await until_async(has_run)
        await until(lambda: len(_fires(table)) >= 3)
        handle = own.get_workflow_handle(monitor_id("ours"))
        assert (await handle.describe()).raw_description.pending_activities[0].attempt == 1


async def test_two_looks_at_once_write_what_one_would(own: Client, table: LedgerTable) -> None:
    """A worker that was thought to be dead may look still."""
    server = ScheduleServer(own)
    await Sweeper(server, table).sweep()
    await apply(own, QUICK, set_name="test")
    worker = Worker(
        own, task_queue="work", workflows=[Quick], workflow_runner=UnsandboxedWorkflowRunner()
    )

    async def both() -> bool:
        await asyncio.gather(*(Sweeper(server, table).sweep() for _ in range(2)))
        return len(_fires(table)) >= 4

    async with worker:
        await until_async(both)
    dues = [one.due for one in _fires(table)]
    assert len(dues) == len(set(dues))
    steps = {later - earlier for later, earlier in pairwise(dues)}
    assert steps == {timedelta(seconds=1)}


async def test_what_cannot_be_judged_is_told_to_the_operators_once(
    own: Client, table: LedgerTable
) -> None:
    """The server takes "Local" for a time zone, and nobody else knows which it means."""
    server = ScheduleServer(own)
    sweeper = Sweeper(server, table)
    await apply(own, QUICK, ODD, set_name="test")
    await sweeper.sweep()

    def by_hand(given: ScheduleUpdateInput) -> ScheduleUpdate:
        given.description.schedule.spec.time_zone_name = "Local"
        return ScheduleUpdate(given.description.schedule)

    await own.get_schedule_handle("odd").update(by_hand)

    async def flawed() -> bool:
        await sweeper.sweep()
        return bool(table.known()["odd"].flaw)

    with webhook_server() as hook:
        settings = Settings.from_environment({"MUSTERWERK_ALERT_WEBHOOK": hook.url})
        await until_async(flawed)
        await Sweeper(server, table).sweep()  # of another worker
        await Teller(IncidentTable(table.store), settings).tell()
        await Teller(IncidentTable(table.store), settings).tell()
        ((_, told),) = hook.posts
        assert (told["schedule"], told["verdict"]) == ("odd", "unjudged")
        assert "'Local'" in told["reason"]
        assert not table.known()["quick"].flaw
        await apply(own, ODD, set_name="test")

        async def judged() -> bool:
            return not await flawed()

        await until_async(judged)
        await Teller(IncidentTable(table.store), settings).tell()
    assert [one["kind"] for _, one in hook.posts] == ["unjudged", "judged"]
    assert table.unjudged() == {}


async def test_what_cannot_be_judged_and_goes_is_over(own: Client, table: LedgerTable) -> None:
    server = ScheduleServer(own)
    local = ScheduleSpec(intervals=[ScheduleIntervalSpec(timedelta(hours=1))])
    local.time_zone_name = "Local"
    action = ScheduleActionStartWorkflow("Quick", id="odd", task_queue="work")
    odd = TemporalSchedule(action=action, spec=local)
    await own.create_schedule("odd", odd, memo={MARK: True})

    async def known() -> bool:
        await Sweeper(server, table).sweep()
        return "odd" in table.known()

    await until_async(known)
    assert len(table.unjudged()) == 1
    await server.delete("odd")

    async def gone() -> bool:
        return not await known()

    await until_async(gone)
    assert table.unjudged() == {}


async def test_the_monitor_lets_old_due_times_go(own: Client, table: LedgerTable) -> None:
    now = datetime.now(UTC)
    several = tuple(FireRow("report", now - timedelta(hours=at), "ran") for at in range(1_200))
    table.write([Entry(schedule_row(), fires=several)])
    monitor = MonitorActivities(own, table.store, Settings(), every=0.01, keep=timedelta(hours=9.5))
    watching = asyncio.create_task(ActivityEnvironment().run(monitor.watch, 2 * LIMIT))

    def left() -> int:
        with table.store.read() as connection:
            return connection.execute(select(func.count()).select_from(fires)).scalar_one()

    await until(lambda: left() == 10)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_another_namespaces_monitor_is_left_alone(own: Client, table: LedgerTable) -> None:
    """A worker that is pointed at the wrong namespace would say of the right one's monitor what is
    wrong with itself."""
    right = WatchRow("orders", datetime.now(UTC), datetime.now(UTC), 3, 20)
    table.note_watch(right)
    environment = ActivityEnvironment()
    monitor = MonitorActivities(own, table.store, Settings(), every=0.05)
    await environment.run(monitor.watch, 0.2)
    assert table.watched() == right


async def test_what_runs_out_is_told_for_longer(own: Client) -> None:
    server = ScheduleServer(own)
    once = Schedule(
        "once", Quick, task_queue="work", when=cron("30 2 * * *", tz="Europe/Berlin", dst="once")
    )
    await apply(own, once, set_name="test")
    found = await server.describe("once")
    assert found is not None
    assert found.mark is not None
    assert await extend(server, datetime.now(UTC)) == []
    old = found.mark.model_copy(update={"as_of": datetime.now(UTC) - timedelta(days=900)})
    await change(server, "once", old)
    assert await extend(server, datetime.now(UTC)) == ["once"]
    assert await extend(server, datetime.now(UTC)) == []


def _success_rate(table: LedgerTable) -> float | None:
    with table.store.read() as connection:
        (found,) = summaries(connection, FireSearch())
    return found.success_rate


def _fires(table: LedgerTable) -> list[Any]:
    with table.store.read() as connection:
        return list(search_fires(connection, FireSearch()).fires)
