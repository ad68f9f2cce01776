"""Dead letters, and the operators who settle them."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from musterwerk.saga import Resolve
from tests.saga import workflows
from tests.saga.conftest import Start, failure_of, report_of
from tests.saga.world import World, refuse
from tests.waiting import until_async

# An update that finds no cached workflow now and then waits out a whole workflow task (10 s).
pytestmark = pytest.mark.parametrize("start", [1000], ids=["cached"], indirect=True)


async def stuck(start: Start, world: World) -> WorkflowHandle[Any, Any]:
    """A saga whose refund is a dead letter and will not be tried again for an hour."""
    world.fail("refund", refuse("account closed"))
    handle = await start(workflows.Stuck.run)
    await has_letter(handle)
    return handle


async def has_letter(handle: WorkflowHandle[Any, Any]) -> None:
    async def letters() -> list[dict[str, Any]]:
        return (await report_of(handle))["dead_letters"]

    await until_async(letters)


async def resolve(handle: WorkflowHandle[Any, Any], action: Any, **more: Any) -> dict[str, Any]:
    given = {"step": "charge/1", "by": "Ada", "reason": "by hand", **more}
    update: Any = handle  # the SDK's overloads are partially unknown to strict checking
    return await update.execute_update("saga_resolve", Resolve(action=action, **given))


async def test_done_by_other_means_ends_as_compensated(start: Start, world: World) -> None:
    handle = await stuck(start, world)
    await resolve(handle, "done")
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    (letter,) = err.details[0]["dead_letters"]
    assert letter["resolution"]["by"] == "Ada"
    assert letter["resolution"]["reason"] == "by hand"
    assert err.details[0]["steps"][1]["undo_status"] == "resolved"


async def test_skip_ends_as_compensation_failed(start: Start, world: World) -> None:
    """A given-up refund must not look like a clean rollback to whoever reads the outcome."""
    handle = await stuck(start, world)
    await resolve(handle, "skip")
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensationFailed"
    assert isinstance(err.cause, ApplicationError)
    assert err.cause.message == "no stock"
    assert err.non_retryable


async def test_retry_tries_at_once(start: Start, world: World) -> None:
    handle = await stuck(start, world)
    world.recover("refund")
    await resolve(handle, "retry")
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert world.done == ["reserve", "charge", "release", "refund"]


async def test_retry_that_fails_leaves_the_letter_open(start: Start, world: World) -> None:
    handle = await stuck(start, world)
    await resolve(handle, "retry")

    async def tried_again() -> bool:
        return (await report_of(handle))["dead_letters"][0]["attempts"] == 2

    await until_async(tried_again)
    (letter,) = (await report_of(handle))["dead_letters"]
    assert letter["resolution"] is None
    assert not letter["settled"]
    await resolve(handle, "done")
    await failure_of(handle)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"by": " "}, "needs a name"),
        ({"reason": ""}, "a reason"),
        ({"step": "reserve/1"}, "no open dead letter"),
        ({"saga": "other"}, "no saga named 'other'"),
        ({"action": "burn"}, "unknown action 'burn'"),
    ],
)
async def test_bad_resolutions_are_refused(
    start: Start, world: World, given: dict[str, Any], message: str
) -> None:
    handle = await stuck(start, world)
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await resolve(handle, **{"action": "done", **given})
    assert isinstance(caught.value.cause, ApplicationError)
    assert message in caught.value.cause.message
    await handle.terminate()


async def test_step_after_the_pivot_done_by_hand(start: Start, world: World) -> None:
    """The operator's result is what the block gets."""
    world.fail("confirm", refuse("no such address"))
    handle = await start(workflows.Forward.run)
    await has_letter(handle)
    await resolve(handle, "done", step="confirm/1", result="rang them up")
    assert await handle.result() == "rang them up"


async def test_step_after_the_pivot_skipped(start: Start, world: World) -> None:
    """StepSkipped lets the block decide; uncaught it fails forward and undoes nothing."""
    world.fail("confirm", refuse("no such address"))
    handle = await start(workflows.Forward.run)
    await has_letter(handle)
    await resolve(handle, "skip", step="confirm/1")
    assert await handle.result() == "not confirmed"
    world.fail("ship", refuse("no such street"))
    handle = await start(workflows.Forward.run)
    await has_letter(handle)
    await resolve(handle, "skip", step="ship/1")
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaForwardFailed"
    assert "release" not in world.names()
