"""Dead letters on their way out: the saga needs nobody to be there."""

from __future__ import annotations

import gc
import uuid
import warnings
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from musterwerk.saga.post import Post
from tests.saga import outcomes
from tests.saga.conftest import Start, failure_of, report_of
from tests.saga.world import World, refuse
from tests.waiting import until_async


@workflow.defn(name="musterwerk.DeadLetter")
class Letterbox:
    """Stands in for the workflow of a Musterwerk worker: it says what it was sent."""

    def __init__(self) -> None:
        self.settlement: dict[str, Any] | None = None

    @workflow.run
    async def run(self, letter: dict[str, Any]) -> list[dict[str, Any] | None]:
        await workflow.wait_condition(lambda: self.settlement is not None)
        return [letter, self.settlement]

    @workflow.signal
    def settled(self, settlement: dict[str, Any]) -> None:
        self.settlement = settlement


async def test_letters_arrive_whenever_somebody_comes_for_them(
    start: Start, world: World, client: Client
) -> None:
    """Nobody serves the queue while the letter arises and is settled; nothing is lost."""
    queue = f"letters-{uuid.uuid4()}"
    world.fail("refund", refuse("account closed"))
    handle = await start(outcomes.Posting.run, "O-1", queue)

    async def letters() -> list[dict[str, Any]]:
        return (await report_of(handle))["dead_letters"]

    await until_async(letters)
    (letter,) = await letters()
    world.recover("refund")
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"

    child = client.get_workflow_handle(letter["id"])
    assert (await child.describe()).status == WorkflowExecutionStatus.RUNNING
    async with Worker(client, task_queue=queue, workflows=[Letterbox]):
        sent, settlement = await child.result()
    assert sent["workflow_id"] == handle.id
    assert (sent["saga"], sent["step"], sent["direction"]) == ("saga", "charge/1", "undo")
    assert sent["error"] == "Refused: account closed"
    assert settlement["resolution"] is None
    assert settlement["attempts"] >= sent["attempts"]


async def test_a_terminated_workflow_leaves_its_letter(
    start: Start, world: World, client: Client
) -> None:
    queue = f"letters-{uuid.uuid4()}"
    world.fail("refund", refuse("account closed"))
    handle = await start(outcomes.Posting.run, "O-1", queue)

    async def letter_id() -> str:
        letters = (await report_of(handle))["dead_letters"]
        return letters[0]["id"] if letters else ""

    await until_async(letter_id)
    child = client.get_workflow_handle(await letter_id())

    async def there() -> bool:
        return (await child.describe()).status == WorkflowExecutionStatus.RUNNING

    await until_async(there)
    await handle.terminate()
    assert await there()
    await child.terminate()


def test_an_eviction_leaves_no_work_that_nobody_awaits() -> None:
    """Without a loop a task cannot be made, as in a workflow that leaves its worker's cache."""

    async def work() -> None: ...

    send: Any = getattr(Post("saga", "letters"), "_send")  # noqa: B009 - the only way to it
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError, match="no running event loop") as caught:
            send(work)
        del caught
        gc.collect()
