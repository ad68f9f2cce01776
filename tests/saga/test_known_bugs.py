"""Each known bug of hand-written sagas, as a test named after it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError, TimeoutError
from temporalio.worker import Worker

from tests.saga import workflows
from tests.saga.conftest import (
    Start,
    failure_of,
    report_of,
    until_cancel_requested,
    until_task_fails,
)
from tests.saga.world import Call, World, refuse
from tests.waiting import until, until_async


async def test_undo_registered_too_late(start: Start, world: World) -> None:
    """The effect lands, the answer never does: the customer would have paid for nothing."""

    async def charge_and_hang(call: Call) -> None:
        await asyncio.Event().wait()

    world.on("charge", charge_and_hang)
    err = await failure_of(await start(workflows.ShortStep.run))
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert err.cause is not None
    assert isinstance(err.cause.__cause__, TimeoutError)
    assert [call.args for call in world.of("refund")] == [("O-1", None)]


async def test_cancellation_in_a_timer_missed(start: Start, world: World) -> None:
    """A timer is cancelled by a bare CancelledError, which `except Exception` does not see."""
    handle = await start(workflows.Waiting.run)
    await until(lambda: "charge" in world.done)
    await handle.cancel()
    assert isinstance(await failure_of(handle), CancelledError)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert world.names()[-2:] == ["refund", "release"]


async def test_cancellation_caught_by_the_block_still_undoes(start: Start, world: World) -> None:
    handle = await start(workflows.Stubborn.run)
    await until(lambda: "reserve" in world.done)
    await handle.cancel()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert world.names() == ["reserve", "release"]


async def test_continue_as_new_taken_for_a_failure(start: Start, world: World) -> None:
    """Continue-as-new is a BaseException: `except BaseException` refunded healthy orders."""
    handle = await start(workflows.ContinuedHealthy.run)
    assert await handle.result() == "done"
    assert world.names() == ["reserve", "reserve"]


async def test_second_cancellation_during_undo(start: Start, world: World) -> None:
    """One asyncio.shield around the undo abandons the rest when a cancellation comes."""
    release = asyncio.Event()

    async def slowly(call: Call) -> None:
        await release.wait()

    world.on("refund", slowly)
    world.fail("ship", refuse())
    handle = await start(workflows.Order.run)
    await world.started("refund")
    await handle.cancel()
    # The workflow has seen the cancellation once it is in its history and a query answers.
    await until_cancel_requested(handle)
    release.set()
    assert isinstance(await failure_of(handle), CancelledError)
    assert world.done[-2:] == ["refund", "release"]


async def test_cancel_swallowed_by_a_step_that_cannot_stop(start: Start, world: World) -> None:
    """The step ends normally after the cancel; a hand-written saga went on and COMPLETED."""
    finish = asyncio.Event()

    async def cannot_stop(call: Call) -> str:
        await finish.wait()
        return "charged"

    world.on("charge", cannot_stop)
    handle = await start(workflows.Order.run)
    await world.started("charge")
    await handle.cancel()
    await until_cancel_requested(handle)
    finish.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert world.names() == ["reserve", "charge", "refund", "release"]
    assert world.of("refund")[0].args == ("O-1", "charged")


async def test_a_code_bug_refunds_orders_in_flight(client: Client, world: World) -> None:
    """A KeyError is mended by a deployment; it is no reason to send orders back."""
    queue = "deployed-on-friday"
    handle: WorkflowHandle[Any, Any]
    async with Worker(
        client, task_queue=queue, workflows=[workflows.Buggy], activities=world.activities()
    ):
        handle = await client.start_workflow(
            workflows.Buggy.run, "O-1", id="deployed", task_queue=queue
        )
        await until_task_fails(handle)
    assert world.names() == ["reserve"]
    async with Worker(
        client, task_queue=queue, workflows=[workflows.Mended], activities=world.activities()
    ):
        assert await handle.result() == "fulfilled"
    assert world.names() == ["reserve"]


async def test_undo_gives_up_silently(start: Start, world: World) -> None:
    """A refund that keeps failing becomes a dead letter, and is still made in the end."""
    world.fail("refund", RuntimeError("bank away"))
    world.fail("ship", refuse())
    handle = await start(workflows.Order.run)

    async def letters() -> list[dict[str, Any]]:
        return (await report_of(handle))["dead_letters"]

    await until_async(letters)
    (letter,) = await letters()
    assert letter["step"] == "charge/1"
    assert letter["error"] == "RuntimeError: bank away"
    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
    world.recover("refund")
    err = await failure_of(handle)
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    (letter,) = err.details[0]["dead_letters"]
    assert letter["settled"]


async def test_first_failing_undo_stops_the_rest(start: Start, world: World) -> None:
    world.fail("refund", refuse("bank says no"))
    world.fail("ship", refuse())
    handle = await start(workflows.Order.run)
    await until(lambda: "release" in world.done)
    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
    world.recover("refund")
    await failure_of(handle)
    assert world.done[-1] == "refund"


async def test_undo_needs_a_result_it_never_got(start: Start, world: World) -> None:
    """The undo of a step without an answer gets None in its place, not a NameError."""
    world.fail("charge", refuse())
    await failure_of(await start(workflows.Order.run))
    assert world.of("refund")[0].args == ("O-1", None)
    assert world.of("release")[0].args == ("O-1", "reserve-result")


async def test_checkpoint_index(start: Start, world: World) -> None:
    """Going back to a checkpoint undoes what came after it, not what came before."""
    failed: list[Call] = []

    async def fail_once(call: Call) -> str:
        failed.append(call)
        if len(failed) == 1:
            raise refuse("no van today")
        return "shipped"

    world.on("ship", fail_once)
    assert await (await start(workflows.Checkpoints.run)).result() == "shipped"
    assert world.names() == ["reserve", "charge", "ship", "unship", "ship"]


async def test_key_changes_on_retry(start: Start, world: World) -> None:
    """Two attempts of one step are one charge; two steps are two."""

    async def fail_first(call: Call) -> str:
        if call.attempt < 3:
            raise RuntimeError("try again")
        return "charged"

    world.on("charge", fail_first)
    await failure_of(await start(workflows.Retried.run))
    charges = world.of("charge")
    assert [call.attempt for call in charges] == [1, 2, 3, 1, 2, 3]
    assert len({call.key for call in charges[:3]}) == 1
    assert len({call.key for call in charges}) == 2


async def test_same_key_for_charge_and_refund(start: Start, world: World) -> None:
    """A gateway that sees the charge's key again would answer the refund with the charge."""
    world.fail("ship", refuse())
    await failure_of(await start(workflows.Order.run))
    charge, refund = world.of("charge")[0].key, world.of("refund")[0].key
    assert charge != refund
    assert charge.business_key == refund.business_key
    assert (charge.direction, refund.direction) == ("do", "undo")


async def test_rolled_back_twice(start: Start, world: World) -> None:
    """compensate() by hand and the failure after it refund once."""
    await failure_of(await start(workflows.UndoneTwice.run))
    assert world.names() == ["charge", "refund"]


async def test_original_error_masked(start: Start, world: World) -> None:
    """The failure of an undo must not hide why it was undone."""
    attempts: list[Call] = []

    async def fail_first(call: Call) -> None:
        attempts.append(call)
        if len(attempts) == 1:
            raise refuse("bank says no")

    world.on("refund", fail_first)
    world.fail("ship", refuse("no van", "OutOfVans"))
    err = await failure_of(await start(workflows.Order.run))
    assert isinstance(err, ApplicationError)
    assert err.message == "undone after OutOfVans: no van"
    assert isinstance(err.cause, BaseException)
    assert isinstance(err.cause.__cause__, ApplicationError)
    assert err.cause.__cause__.type == "OutOfVans"


async def test_sibling_branch_still_running(start: Start, world: World) -> None:
    """Undoing beside a running sibling releases what is then reserved a moment later."""
    finish = asyncio.Event()

    async def still_running(call: Call) -> str:
        await finish.wait()
        return "reserved"

    world.on("reserve", still_running)
    world.fail("charge", refuse())
    handle = await start(workflows.Siblings.run)
    await world.started("reserve")

    async def undoing() -> bool:
        return (await report_of(handle))["status"] == "compensating"

    await until_async(undoing)
    assert "refund" not in world.names()
    finish.set()
    await failure_of(handle)
    assert world.names()[-2:] == ["refund", "release"]
    assert world.of("release")[0].args == ("O-1", "reserved")


@pytest.mark.parametrize("order", ["O-1", "Bestellung Nº 7"])
async def test_keys_are_plain_ascii(start: Start, world: World, order: str) -> None:
    """Workflow ids hold any text; a header that does not fails only in production."""
    await (await start(workflows.Order.run, order, id=f"{order}-{world!r}")).result()
    for call in world.calls:
        assert call.key.isascii()
        assert len(call.key) <= 90


async def test_cancelled_step_fails_with_something_else(start: Start, world: World) -> None:
    """Asked to stop, the step answers "declined": the customer cancelled, and that is the end."""
    finish = asyncio.Event()

    async def declines(call: Call) -> str:
        await finish.wait()
        raise refuse("card expired", "CardDeclined")

    world.on("charge", declines)
    handle = await start(workflows.Order.run)
    await world.started("charge")
    await handle.cancel()
    await until_cancel_requested(handle)
    finish.set()
    await failure_of(handle)
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED
    assert world.names()[2:] == ["refund", "release"]
