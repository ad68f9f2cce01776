"""Resets: a run begins in the middle, and what was done may have been undone since."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from musterwerk.errors import EffectUndone
from tests.resetting import REASON, reset_to, task_after
from tests.saga import outcomes
from tests.saga.conftest import Start, failure_of, report_of, task_failures
from tests.saga.test_post import Letterbox
from tests.saga.world import Call, World, refuse
from tests.waiting import until_async


async def reset_after(
    client: Client, handle: WorkflowHandle[Any, Any], activity: str
) -> WorkflowHandle[Any, Any]:
    """Back to the workflow task that took the activity's result."""
    return await reset_to(client, handle, await task_after(handle, activity))


async def reserved(handle: WorkflowHandle[Any, Any]) -> bool:
    """The workflow knows it, and waits at its gate."""
    steps = (await report_of(handle))["steps"]
    return bool(steps) and steps[0]["status"] == "done"


class Keeper:
    """A service that knows which keys were undone, as the effect ledger does."""

    def __init__(self, world: World) -> None:
        self.undone: set[str] = set()
        self.live: set[str] = set()
        world.on("reserve", self.do)
        world.on("release", self.undo)

    async def do(self, call: Call) -> str:
        if call.key.business_key in self.undone:
            raise EffectUndone("it was released")
        self.live.add(call.key.business_key)
        return "reserved"

    async def undo(self, call: Call) -> None:
        self.undone.add(call.key.business_key)
        self.live.discard(call.key.business_key)


async def test_an_undone_saga_never_ends_as_a_success_by_reset(
    start: Start, world: World, client: Client
) -> None:
    """The reservation is released; charging the card now would be for nothing."""
    keeper = Keeper(world)
    world.fail("charge", refuse("card declined"))
    handle = await start(outcomes.Resettable.run)
    await handle.signal("go")
    await failure_of(handle)
    world.recover("charge")
    again = await reset_after(client, handle, "reserve")
    err = await failure_of(again)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert "EffectUndone" in err.message
    assert len(world.of("charge")) == 1
    assert not keeper.live


async def test_a_running_saga_goes_on_after_a_reset(
    start: Start, world: World, client: Client
) -> None:
    keeper = Keeper(world)
    handle = await start(outcomes.Resettable.run)
    await until_async(lambda: reserved(handle))
    again = await reset_after(client, handle, "reserve")
    await again.signal("go")
    assert await again.result() == "charge-result"
    first, confirmed = world.of("reserve")
    assert first.key == confirmed.key
    assert len(keeper.live) == 1


async def test_a_reset_before_the_pivot_confirms_first(
    start: Start, world: World, client: Client
) -> None:
    """The pivot itself cannot ask; what follows it must not begin before the answer."""
    keeper = Keeper(world)
    handle = await start(outcomes.Resettable.run, "O-1", True)
    await until_async(lambda: reserved(handle))
    await handle.cancel()
    await failure_of(handle)
    assert not keeper.live
    again = await reset_after(client, handle, "reserve")
    await again.signal("go")
    err = await failure_of(again)
    assert isinstance(err, ApplicationError)
    assert "EffectUndone" in err.message
    assert "confirm" not in world.names()


@pytest.mark.parametrize("back", ["before the letter", "behind the letter"])
async def test_a_reset_finds_its_open_letter_again(
    start: Start, world: World, client: Client, back: str
) -> None:
    """Its id is in the history: one that changes would stop the workflow for good."""
    world.fail("refund", refuse("account closed"))
    queue = f"letters-{uuid.uuid4()}"
    handle = await start(outcomes.Posting.run, "O-1", queue)
    await until_async(lambda: letter_of(handle))
    await until_async(lambda: task_behind_the_letter(handle))
    early = back == "before the letter"
    task = await (task_after(handle, "charge") if early else task_behind_the_letter(handle))
    letter = await letter_of(handle)
    again = await reset_to(client, handle, task)
    await until_async(lambda: letter_of(again))
    assert await letter_of(again) == letter
    world.recover("refund")
    err = await failure_of(again)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert await task_failures(again) in ([], [REASON])
    async with Worker(client, task_queue=queue, workflows=[Letterbox]):
        sent, settlement = await client.get_workflow_handle(letter).result()
    assert sent["id"] == letter
    assert settlement["resolution"] is None


async def letter_of(handle: WorkflowHandle[Any, Any]) -> str:
    letters = (await report_of(handle))["dead_letters"]
    return letters[0]["id"] if letters else ""


async def task_behind_the_letter(handle: WorkflowHandle[Any, Any]) -> int:
    sent = False
    async for event in handle.fetch_history_events():
        if event.HasField("child_workflow_execution_started_event_attributes"):
            sent = True
        if sent and event.HasField("workflow_task_completed_event_attributes"):
            return event.event_id
    return 0
