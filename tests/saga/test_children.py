"""Sagas inside sagas: the parent's failure asks the child to undo itself."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from musterwerk.errors import ResolutionRefused
from musterwerk.saga import Resolve
from musterwerk.saga.client import resolve
from tests.saga import nesting
from tests.saga.conftest import (
    Start,
    failure_of,
    report_of,
    task_failures,
    until_cancel_requested,
    until_task_fails,
)
from tests.saga.world import Call, World, refuse
from tests.waiting import until, until_async


def child_of(client: Client, parent: WorkflowHandle[Any, Any]) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(f"{parent.id}/saga/Nested/1")


async def status_of(handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionStatus | None:
    return (await handle.describe()).status


async def test_a_child_is_kept_when_the_parent_succeeds(
    start: Start, world: World, client: Client
) -> None:
    parent = await start(nesting.Parent.run)
    assert await parent.result() == "held charge-result"
    assert world.names() == ["reserve", "charge", "ship", "confirm"]
    assert await child_of(client, parent).result() == "confirm-result"


async def test_a_finished_child_undoes_itself(start: Start, world: World, client: Client) -> None:
    world.fail("ship", refuse("no van"))
    parent = await start(nesting.Parent.run)
    err = await failure_of(parent)
    assert isinstance(err, ApplicationError)
    assert err.message == "undone after Refused: no van"
    assert world.names() == ["reserve", "charge", "ship", "unship", "refund", "release"]
    assert await status_of(child_of(client, parent)) == WorkflowExecutionStatus.CANCELED
    undone = {step["id"]: step["undo_status"] for step in (await report_of(parent))["steps"]}
    assert undone == {"reserve/1": "done", "Nested/1": "done", "ship/1": "done"}


async def test_a_child_that_failed_has_undone_itself(
    start: Start, world: World, client: Client
) -> None:
    world.fail("charge", refuse("card declined"))
    parent = await start(nesting.Parent.run)
    err = await failure_of(parent)
    assert isinstance(err, ApplicationError)
    assert err.message == "undone after Refused: card declined"
    assert world.names() == ["reserve", "charge", "refund", "release"]
    assert (await report_of(parent))["dead_letters"] == []


async def test_cancelling_the_parent_undoes_a_running_child(
    start: Start, world: World, client: Client
) -> None:
    parent = await start(nesting.Parent.run, "O-1", None, True)
    await until(lambda: "charge" in world.done)
    await parent.cancel()
    await until_cancel_requested(parent)
    await failure_of(parent)
    assert await status_of(parent) == WorkflowExecutionStatus.CANCELED
    assert world.names() == ["reserve", "charge", "refund", "release"]
    assert await status_of(child_of(client, parent)) == WorkflowExecutionStatus.CANCELED


async def test_undo_of_a_child_that_never_started(start: Start, world: World) -> None:
    """Its id is taken by somebody else's workflow, which must not be cancelled."""
    other = await start(nesting.Nested.run, "O-2", True)
    await until(lambda: "charge" in world.done)
    parent = await start(nesting.Parent.run, "O-1", other.id)
    err = await failure_of(parent)
    assert isinstance(err, ApplicationError)
    assert "already started" in err.message
    assert world.names() == ["charge", "reserve", "release"]
    assert await status_of(other) == WorkflowExecutionStatus.RUNNING
    await other.signal("go")
    await other.result()


async def test_a_terminated_parent_takes_its_child_back(
    start: Start, world: World, client: Client
) -> None:
    """Nobody is left to decide: the child must not wait for ever with what it did."""
    parent = await start(nesting.Parent.run, "O-1", None, True)
    await until(lambda: "charge" in world.done)
    await parent.terminate()
    await until(lambda: "refund" in world.done)
    await failure_of(child_of(client, parent))


async def test_a_child_that_was_terminated_becomes_a_dead_letter(
    start: Start, world: World, client: Client
) -> None:
    """What it had done stands; somebody has to know."""
    parent = await start(nesting.Parent.run, "O-1", None, True)
    await until(lambda: "charge" in world.done)
    await child_of(client, parent).terminate("by mistake")

    async def letters() -> list[dict[str, Any]]:
        return (await report_of(parent))["dead_letters"]

    await until_async(letters)
    (letter,) = await letters()
    assert letter["step"] == "Nested/1"
    assert (letter["actions"], letter["retried"]) == (["done", "skip"], False)
    answer = Resolve(step="Nested/1", action="retry", by="Ada", reason="try")
    with pytest.raises(ResolutionRefused, match="nothing to retry here; choose done or skip"):
        await resolve(client, parent.id, answer)
    await until(lambda: "release" in world.done)
    await parent.terminate()


async def test_a_terminated_child_is_not_forgotten_by_continue_as_new(
    start: Start, world: World, client: Client
) -> None:
    parent = await start(nesting.OrphanContinued.run)
    await until(lambda: "charge" in world.done)
    await child_of(client, parent).terminate("by mistake")

    async def letters() -> list[dict[str, Any]]:
        return (await report_of(client.get_workflow_handle(parent.id)))["dead_letters"]

    await until_async(letters)
    (letter,) = await letters()
    assert (letter["step"], letter["direction"]) == ("Nested/1", "undo")
    await until(lambda: "release" in world.done)
    await client.get_workflow_handle(parent.id).terminate()


async def test_a_child_that_does_not_hold_is_a_bug(start: Start, world: World) -> None:
    parent = await start(nesting.Careless.run)
    await until_task_fails(parent)
    assert "saga.hold(result)" in (await task_failures(parent))[0]
    await parent.terminate()


async def test_without_a_parent_hold_returns_at_once(start: Start, world: World) -> None:
    assert await (await start(nesting.Nested.run)).result() == "confirm-result"


async def test_the_undo_of_a_slow_child_does_not_keep_others_from_theirs(
    start: Start, world: World, client: Client
) -> None:
    refused: list[Call] = []

    async def stuck(call: Call) -> None:
        refused.append(call)
        raise RuntimeError("bank away")

    world.on("refund", stuck)
    world.fail("ship", refuse("no van"))
    parent = await start(nesting.Parent.run)
    await until(lambda: "release" in world.done)
    assert "refund" not in world.done
    world.recover("refund")
    await failure_of(parent)
    assert "refund" in world.done


async def test_a_child_that_continued_as_new_is_undone(start: Start, world: World) -> None:
    """The cancellation of its first run reaches nobody."""
    await failure_of(await start(nesting.ParentOfReborn.run))
    assert world.names() == ["charge", "refund"]


@pytest.mark.parametrize("cached", [1000, 0], ids=["cached", "uncached"])
async def test_every_child_hears_that_it_is_kept(client: Client, world: World, cached: int) -> None:
    """One that is gone must not make the other undo what its parent has shipped."""
    queue, order = f"saga-{uuid.uuid4()}", f"O-{uuid.uuid4()}"
    children = [client.get_workflow_handle(f"{order}-{number}") for number in (1, 2)]

    def serving() -> Worker:
        return Worker(
            client,
            task_queue=queue,
            workflows=[nesting.TwoChildren, nesting.Nested],
            activities=world.activities(),
            max_cached_workflows=cached,
        )

    async with serving():
        parent = await client.start_workflow(
            nesting.TwoChildren.run, order, id=f"parent-{order}", task_queue=queue
        )

        async def holding() -> bool:
            return [step["status"] for step in (await report_of(parent))["steps"]] == ["done"] * 2

        await until_async(holding)
    # Nobody serves the parent: one task then brings it the pivot and, after it, the child's end.
    await parent.signal("go")
    await children[0].terminate()
    async with serving():
        assert "a child failed after its parent had kept it" in str(await failure_of(parent))
        assert await children[1].result() == "confirm-result"
    assert "refund" not in world.names()
