"""Minutes in which servers and workers are killed and stopped: every due time has its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from musterwerk.cli.worker import start_worker
from musterwerk.runtime.connection import Target, connect
from musterwerk.runtime.processes import ManagedProcess
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, every
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.control import pause, unpause
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import ScheduleServer
from musterwerk.store import Store, database_url
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_reading import FireSearch, search_fires
from musterwerk.store.ledger_rows import FireRow
from tests.schedules.ledger import checker
from tests.schedules.ledger.workflows import Failing, Lasting, Quick
from tests.waiting import until

GRACE = timedelta(seconds=4)
CATCH_UP = timedelta(seconds=10)
QUEUE = "outages"


def schedule(name: str, seconds: int, kind: type = Quick, **fields: object) -> Schedule:
    given = {"task_queue": QUEUE, "when": every(f"{seconds}s"), "grace": GRACE, **fields}
    return Schedule(name, kind, **given)


def declared(changed: int = 3) -> list[Schedule]:
    return [
        schedule("quick", 2),
        schedule("bad", 5, Failing),
        schedule("slow", 3, Lasting, args=(7,)),
        schedule("lined", 4, Lasting, args=(6,), overlap="buffer_one"),
        schedule("held", 2),
        schedule("strict", 2, catch_up=CATCH_UP, overlap="allow_all"),
        schedule("changed", changed),
    ]


class World:
    """The server, a worker of ours and one of the user's, each to be stopped and killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: EmbeddedServer | None = None
        self.ours: ManagedProcess | None = None
        self.store = Store(database_url(folder, {}))

    @property
    def target(self) -> Target:
        assert self.server is not None
        return Target(self.server.address, isolated=True)

    async def begin(self) -> None:
        self.server = await EmbeddedServer(self.folder, ui=False).__aenter__()

    async def stop(self, *, kill: bool = False) -> None:
        assert self.server is not None
        if kill:
            self.server.process.kill()
            await self.server.process.wait()
        await self.server.__aexit__(None, None, None)

    async def begin_ours(self) -> None:
        self.ours = await start_worker(self.folder, self.target)

    async def kill_ours(self) -> None:
        assert self.ours is not None
        self.ours.kill()
        await self.ours.wait()

    async def apply(self, *several: Schedule) -> None:
        server = ScheduleServer(await self.target.connect())
        plan = await make_plan(server, Declaration("test", "test", several))
        assert not [one.flaw for one in await apply_plan(server, plan) if one.flaw]

    def table(self) -> LedgerTable:
        return LedgerTable(self.store)

    def good_until(self) -> datetime | None:
        row = self.table().watched()
        return row.good_until if row else None

    async def watched(self) -> None:
        """Until the monitor has looked at everything that was so far."""
        now = datetime.now(UTC)
        await until(lambda: (self.good_until() or now) > now)

    async def pass_by(self, seconds: float) -> None:
        """Due times come by the wall clock; nothing but time makes them."""
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        await until(lambda: datetime.now(UTC) >= end, limit=seconds + 10)

    def waiting(self, end: datetime) -> list[FireRow]:
        return [one for one in self.fires() if one.verdict == "waiting" and one.due <= end]

    def fires(self) -> list[FireRow]:
        with self.store.read() as connection:
            return list(search_fires(connection, FireSearch(limit=10_000)).fires)


@asynccontextmanager
async def users_worker(address: str) -> AsyncGenerator[Worker]:
    client = await connect(address, isolated=True)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[Quick, Lasting, Failing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ) as worker:
        yield worker


@pytest.mark.timeout(900)
async def test_every_due_time_has_a_verdict_and_histories_agree(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.begin()
    await world.begin_ours()
    await until(lambda: world.good_until() is not None)
    began = datetime.now(UTC)
    try:
        updates = await _minutes(world)
        await world.watched()
        end = world.good_until()
        assert end is not None
        await until(lambda: not world.waiting(end))
        # Nobody does the user's work any more: by then it is known of the last runs, too.
        await until(lambda: (world.good_until() or end) > end + GRACE)
        client = await world.target.connect()
        await _compare(client, world.fires(), began, end, updates)
    finally:
        await world.kill_ours()
        await world.stop()
        world.store.close()


async def _minutes(world: World) -> list[int]:
    """The intervals of "changed", in order."""
    address = world.target.address or ""
    await world.apply(*declared())
    async with users_worker(address):
        server = ScheduleServer(await world.target.connect())
        await world.pass_by(12)
        await pause(server, "held")
        await world.pass_by(5)
        await unpause(server, "held")
        await world.pass_by(3)
        await world.kill_ours()
        # Paused and continued, and changed, while nobody looks.
        await pause(server, "held")
        await world.pass_by(6)
        await unpause(server, "held")
        await world.apply(*declared(changed=4))
        await world.pass_by(10)
        await world.begin_ours()
        await world.pass_by(8)
        await world.stop(kill=True)
        await world.pass_by(18)
        await world.begin()
        await world.apply(*declared(changed=5))
        await world.pass_by(10)
    await world.pass_by(12)  # nobody does the user's work
    async with users_worker(address):
        await world.pass_by(8)
        await world.stop()
        await world.kill_ours()
        await world.pass_by(15)
        await world.begin()
        await world.begin_ours()
        await world.pass_by(12)
        # What goes on has to end before it can be compared.
        await pause(ScheduleServer(await world.target.connect()), "lined")
        await world.pass_by(14)
    return [3, 4, 5]


async def _compare(
    client: Client,
    fires: Sequence[FireRow],
    began: datetime,
    end: datetime,
    intervals: Sequence[int],
) -> None:
    verdicts = {(one.schedule, one.due): one for one in fires if one.planned}
    seen, lost = Counter[str](), Counter[tuple[str, str]]()
    for one in declared():
        told = await checker.scheduler(client, one.name)
        assert one.when.every is not None
        seconds = int(one.when.every.total_seconds())
        starts = [began, *told.updates, end]
        steps = intervals if one.name == "changed" else [seconds]
        assert len(starts) == len(steps) + 1, (one.name, told)
        dues = {
            due
            for step, (since, till) in zip(steps, pairwise(starts), strict=True)
            for due in checker.every(step, since, till)
        }
        dues -= {due for due in dues if due <= _created(verdicts, one.name)}
        runs = {due: await checker.execution(client, one.name, due) for due in dues}
        for due in sorted(dues):
            row = verdicts.pop((one.name, due), None)
            assert row is not None, (one.name, due, "is not in the ledger")
            _check(one, due, row, runs, told)
            seen[row.verdict] += 1
            lost[one.name, row.verdict] += 1
        assert lost[one.name, "missed"] == told.missed, (one.name, lost, told)
        assert lost[one.name, "dropped"] == told.dropped == 0, (one.name, lost, told)
    late = [key for key in verdicts if began < key[1] <= end]
    assert not late, ("in the ledger, and was not due", late)
    assert set(seen) >= {"ran", "late", "failed", "skipped", "paused", "missed"}, seen


def _created(verdicts: dict[tuple[str, datetime], FireRow], name: str) -> datetime:
    """It was made a moment after the test began."""
    return min(due for one, due in verdicts if one == name) - timedelta(seconds=1)


def _check(
    one: Schedule,
    due: datetime,
    row: FireRow,
    runs: dict[datetime, checker.Execution | None],
    told: checker.Scheduler,
) -> None:
    run, said = runs[due], (one.name, due, row, runs[due], told)
    if run is not None:
        late = run.begun_at is None or run.begun_at - due > GRACE
        assert row.status == run.status, said
        expected = "failed" if run.status == "Failed" else "late" if late else "ran"
        assert row.verdict == expected, said
        return
    assert row.verdict in ("skipped", "paused", "before_update", "missed", "dropped"), said
    busy = [
        other
        for at, other in runs.items()
        if other is not None
        and at != due
        and (other.started_at <= due + checker.LITTLE or at < due < other.started_at)
        and (other.ended_at is None or other.ended_at >= due)
    ]
    if row.verdict == "paused":
        assert told.was_paused(due) or told.was_paused(due + checker.LITTLE), said
    elif row.verdict == "skipped":
        assert busy, said
    elif row.verdict == "before_update":
        assert any(due < at for at in told.updates), said
    else:
        assert row.verdict == "missed", said  # `dropped` needs a thousand that wait
        assert told.came_to(due) - due > one.catch_up - checker.LITTLE, said
        assert not told.was_paused(due), said
        assert not (busy and one.overlap in ("skip", "buffer_one")), said
