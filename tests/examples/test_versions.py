"""The code of a saga changes while executions of it are under way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from tests.examples import parcels
from tests.examples.conftest import until_waiting
from tests.saga.conftest import task_failures, until_task_fails
from tests.saga.world import World, refuse

Handle = WorkflowHandle[Any, None]
GOOD = ["reserve", "charge", "reserve", "ship"]
UNDONE = ["unship", "release", "refund", "release"]


class Deployments:
    def __init__(self, client: Client, queue: str) -> None:
        self.client, self.queue = client, queue
        self.world = World()

    def worker(self, version: type[Any]) -> Worker:
        @activity.defn
        async def insure(order: str) -> str:
            self.world.done.append("insure")
            return "policy"

        @activity.defn
        async def uninsure(order: str, policy: str | None) -> None:
            self.world.done.append("uninsure")

        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=[version],
            activities=[*self.world.activities(), insure, uninsure],
        )

    async def start(self, name: str = "old", after: str = "charge") -> Handle:
        handle = await self.client.start_workflow(
            "Parcel",
            id=f"{name}-{self.queue}",
            task_queue=self.queue,
            # A worker that stops keeps the task it has just been given until it times out.
            task_timeout=timedelta(seconds=1),
        )
        await until_waiting(handle, after=after)
        return handle


@pytest.fixture
def deployed(plain: Client, fresh: str) -> Deployments:
    return Deployments(plain, fresh)


async def test_an_inserted_step_is_for_those_that_begin_later(deployed: Deployments) -> None:
    async with deployed.worker(parcels.Version1):
        old = await deployed.start()
    async with deployed.worker(parcels.Inserted):
        await finish(old)
        assert deployed.world.done == GOOD
        deployed.world.done.clear()
        await finish(await deployed.start("new"))
        assert deployed.world.done == ["reserve", "insure", *GOOD[1:]]
        keys = [await steps_of(deployed, name) for name in ("old", "new")]
    # The keys of the steps that both have are the same, but for the run they belong to.
    assert keys[0] == ["reserve/1", "charge/1", "reserve/2", "ship/1"]
    assert keys[1] == ["reserve/1", "insure/1", "charge/1", "reserve/2", "ship/1"]


async def test_an_old_execution_that_fails_under_the_new_code_undoes_what_it_did(
    deployed: Deployments,
) -> None:
    """No undo of a step that it never had, and each of the others once, under the old keys."""
    async with deployed.worker(parcels.Version1):
        old = await deployed.start()
    deployed.world.fail("ship", refuse())
    async with deployed.worker(parcels.Inserted):
        with pytest.raises(WorkflowFailureError):
            await finish(old)
    assert [name for name in deployed.world.done if name not in GOOD] == UNDONE
    for do, undo in (("reserve", "release"), ("charge", "refund")):
        did = {call.key.business_key for call in deployed.world.of(do)}
        assert {call.key.business_key for call in deployed.world.of(undo)} == did


async def test_without_the_guard_an_old_execution_stands_still_and_nothing_is_undone(
    deployed: Deployments,
) -> None:
    """And it goes on by itself as soon as the guard is deployed."""
    async with deployed.worker(parcels.Version1):
        old = await deployed.start()
    async with deployed.worker(parcels.Unguarded):
        await old.signal("go")
        await until_task_fails(old)
        assert "Nondeterminism" in (await task_failures(old))[0]
        assert (await old.describe()).status == WorkflowExecutionStatus.RUNNING
        assert deployed.world.done == ["reserve", "charge"]
    async with deployed.worker(parcels.Inserted):
        await old.result()
    assert deployed.world.done == GOOD


async def test_a_removed_step_is_still_undone_where_it_was_done(deployed: Deployments) -> None:
    async with deployed.worker(parcels.Version1):
        old = await deployed.start()
    deployed.world.fail("ship", refuse())
    async with deployed.worker(parcels.Removed):
        new = await deployed.start("new", after="reserve")
        for handle, undone in ((old, UNDONE), (new, ["unship", "release", "release"])):
            deployed.world.done.clear()
            with pytest.raises(WorkflowFailureError):
                await finish(handle)
            assert [name for name in deployed.world.done if name != "reserve"] == undone


async def finish(handle: Handle) -> None:
    await handle.signal("go")
    await handle.result()


async def steps_of(deployed: Deployments, name: str) -> list[str]:
    handle: Handle = deployed.client.get_workflow_handle(f"{name}-{deployed.queue}")
    report = await handle.query("saga_report")
    return [step["id"] for step in report["sagas"][0]["steps"]]
