"""A worker moves to `Saga` while its executions wait: each ends by the way it began."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from examples.moving import version1, version2
from examples.moving.activities import Services
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Replayer, Worker

from tests.examples.conftest import until_waiting

ROOT = Path(__file__).parents[2]


class Site:
    """One worker at a time on one queue; the cache is off, so that every task replays."""

    def __init__(self, client: Client, fresh: str) -> None:
        self.client = client
        self.fresh = fresh
        self.services = Services()

    def worker(self, workflow: type[Any]) -> Worker:
        return Worker(
            self.client,
            task_queue=self.fresh,
            workflows=[workflow],
            activities=self.services.activities(),
            max_cached_workflows=0,
        )

    async def start(self, order: str) -> WorkflowHandle[Any, str]:
        """Returns when it waits for its approval."""
        handle = await self.client.start_workflow(
            "Fulfilment", order, id=f"{order}-{self.fresh}", task_queue=self.fresh, result_type=str
        )
        await until_waiting(handle, after="charge")
        return handle


@pytest.fixture
def site(plain: Client, fresh: str) -> Site:
    return Site(plain, fresh)


async def test_what_is_in_flight_ends_the_old_way_and_what_is_new_the_new_way(site: Site) -> None:
    async with site.worker(version1.Fulfilment):
        old = await site.start("O-1")
    async with site.worker(version2.Fulfilment):
        new = await site.start("O-2")
        for handle in (old, new):
            await handle.signal("approve")
        assert await old.result() == "by hand"
        assert await new.result() == "saga"
    for order in ("O-1", "O-2"):
        assert site.services.of(order) == ["reserve", "charge", "ship"]
    assert site.services.undos_asked == []


async def test_a_failure_after_the_move_undoes_old_and_new_once(site: Site) -> None:
    """Nothing is refunded twice and nothing is forgotten, whichever version it began under."""
    async with site.worker(version1.Fulfilment):
        old = await site.start("O-1")
    site.services.no_van_for |= {"O-1", "O-2"}
    async with site.worker(version2.Fulfilment):
        new = await site.start("O-2")
        for handle in (old, new):
            await handle.signal("approve")
            with pytest.raises(WorkflowFailureError):
                await handle.result()
    assert site.services.undos_asked == ["refund O-1", "release O-1", "refund O-2", "release O-2"]
    for order in ("O-1", "O-2"):
        assert site.services.of(order) == ["reserve", "charge", "refund", "release"]


async def test_a_cancelled_wait_undoes_what_is_new(site: Site) -> None:
    """By hand it keeps the money: this is what the move is for."""
    async with site.worker(version1.Fulfilment):
        old = await site.start("O-1")
    async with site.worker(version2.Fulfilment):
        new = await site.start("O-2")
        for handle in (old, new):
            await handle.cancel()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert site.services.undos_asked == ["refund O-2", "release O-2"]


async def test_the_new_code_replays_what_the_old_has_recorded(site: Site) -> None:
    """What to do before the move is deployed: replay histories of executions in flight."""
    async with site.worker(version1.Fulfilment):
        old = await site.start("O-1")
        history = await old.fetch_history()
        await Replayer(workflows=[version2.Fulfilment]).replay_workflow(history)
        await old.terminate()


def test_the_moved_worker_needs_neither_pydantic_nor_a_database() -> None:
    """Whoever has them in no other place would have to install them for one import."""
    check = (
        "import sys, examples.moving.version2;"
        "found = {'pydantic', 'sqlalchemy', 'musterwerk.runtime', 'musterwerk.saga.effects'}"
        " & set(sys.modules);"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
