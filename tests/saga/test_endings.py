"""How a saga ends, and what it hands on."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.saga import workflows
from tests.saga.conftest import (
    Start,
    failure_of,
    report_of,
    task_failures,
    until_cancel_requested,
    until_task_fails,
)
from tests.saga.world import Call, World, refuse


async def test_success_undoes_nothing(start: Start, world: World) -> None:
    handle = await start(workflows.Order.run)
    assert await handle.result() == "fulfilled"
    assert world.names() == ["reserve", "charge", "ship"]
    assert (await report_of(handle))["status"] == "completed"


async def test_failure_undoes_in_reverse_order(start: Start, world: World) -> None:
    world.fail("ship", refuse("no van"))
    err = await failure_of(await start(workflows.Order.run))
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert world.names()[3:] == ["unship", "refund", "release"]
    assert [step["undo_status"] for step in err.details[0]["steps"]] == ["done"] * 3


async def test_non_retryable_follows_the_cause(start: Start, world: World) -> None:
    """A workflow retry policy must decide as it would without a saga."""
    world.fail("charge", refuse())
    declined = await failure_of(await start(workflows.Order.run))
    world.fail("charge", RuntimeError("gateway away"))
    outage = await failure_of(await start(workflows.Order.run))
    assert isinstance(declined, ApplicationError)
    assert isinstance(outage, ApplicationError)
    assert declined.non_retryable
    assert not outage.non_retryable


async def test_workflow_retry_gets_new_keys(start: Start, world: World) -> None:
    """A second attempt is a new purchase; the first one's tombstones must not refuse it."""
    refused: list[Call] = []

    async def once(call: Call) -> str:
        refused.append(call)
        if len(refused) == 1:
            raise RuntimeError("gateway away")
        return "charged"

    world.on("charge", once)
    policy = RetryPolicy(initial_interval=workflows.QUICK, maximum_attempts=2)
    handle = await start(workflows.Order.run, retry_policy=policy)
    assert await handle.result() == "fulfilled"
    first, second = world.of("reserve")
    assert first.key != second.key


async def test_the_block_may_catch_the_outcome(start: Start, world: World) -> None:
    """The exception class in the sandbox is the one that is raised."""
    world.fail("charge", refuse("card expired", "CardDeclined"))
    result = await (await start(workflows.Telling.run)).result()
    assert result == "told: undone after CardDeclined: card expired"


async def test_declared_exception_types_undo(start: Start, world: World) -> None:
    err = await failure_of(await start(workflows.Declared.run))
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    assert world.names() == ["reserve", "release"]


async def test_timeout_from_inside(start: Start, world: World) -> None:
    """asyncio.timeout must see its own cancellation, and a later TaskGroup no spurious one."""
    assert await (await start(workflows.TimedOut.run)).result() == "timed out"
    assert world.names() == ["reserve", "release"]


async def test_continue_as_new_keeps_undos_and_keys_apart(start: Start, world: World) -> None:
    """What the first run registered is undone by the second, under the first one's keys."""
    err = await failure_of(await start(workflows.Continued.run))
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaCompensated"
    first, second = world.of("charge")
    assert first.key != second.key
    undone = world.of("refund")
    assert [call.key.business_key for call in undone] == [
        second.key.business_key,
        first.key.business_key,
    ]
    assert undone[1].args == ("O-1", "charge-result")
    assert err.details[0]["checkpoints"] == ["first run"]


async def test_refusal_before_any_effect_needs_no_undo(start: Start, world: World) -> None:
    world.fail("charge", refuse("no", "CardDeclined"))
    await failure_of(await start(workflows.Refusal.run))
    assert world.names() == ["reserve", "charge", "release"]


async def test_other_refusals_are_undone(start: Start, world: World) -> None:
    world.fail("charge", refuse("no", "Other"))
    await failure_of(await start(workflows.Refusal.run))
    assert world.names() == ["reserve", "charge", "refund", "release"]


async def test_cancel_before_the_step_answers(start: Start, world: World) -> None:
    """With TRY_CANCEL the undo does not wait for the step; its result is unknown."""
    finish = asyncio.Event()

    async def slowly(call: Call) -> str:
        await finish.wait()
        return "charged"

    world.on("charge", slowly)
    handle = await start(workflows.ImpatientStep.run)
    await world.started("charge")
    await handle.cancel()
    await failure_of(handle)
    finish.set()
    assert world.of("refund")[0].args == ("O-1", None)


async def test_after_the_pivot_a_cancellation_is_absorbed(start: Start, world: World) -> None:
    """Shipped is shipped: running steps and those that follow are done, nothing is undone."""
    finish = asyncio.Event()

    async def slowly(call: Call) -> str:
        await finish.wait()
        return "shipped"

    world.on("ship", slowly)
    handle = await start(workflows.Forward.run)
    await world.started("ship")
    await handle.cancel()
    await until_cancel_requested(handle)
    finish.set()
    await failure_of(handle)
    assert world.names() == ["reserve", "ship", "confirm"]
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED


async def test_after_the_pivot_attempts_are_unlimited(start: Start, world: World) -> None:
    """`maximum_attempts=1` on the step does not end a process that cannot go back."""

    async def third_time(call: Call) -> str:
        if call.attempt < 3:
            raise RuntimeError("carrier away")
        return "shipped"

    world.on("ship", third_time)
    assert await (await start(workflows.Forward.run)).result() == "confirm-result"


async def test_after_the_pivot_failures_undo_nothing(start: Start, world: World) -> None:
    err = await failure_of(await start(workflows.ForwardFailing.run))
    assert isinstance(err, ApplicationError)
    assert err.type == "SagaForwardFailed"
    assert isinstance(err.cause, ApplicationError)
    assert err.cause.message == "too late to go back"
    assert world.names() == ["charge"]


async def test_misuse_suspends_instead_of_undoing(start: Start, world: World) -> None:
    """A saga written wrongly is a bug: it waits for a fix, and says what is wrong."""
    expected = {
        "two of one name": "already has a saga named 'saga'",
        "undo after the pivot": "would never be called",
        "compensate after the pivot": "nothing is undone after the pivot",
        "arity": "followed by the step's result",
        "unknown checkpoint": "no checkpoint 'paid'",
        "unbounded undo": "must bound its attempts",
    }
    for how, message in expected.items():
        handle = await start(workflows.Misused.run, how)
        await until_task_fails(handle)
        assert message in (await task_failures(handle))[0]
        assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
        await handle.terminate()
    assert world.calls == []


async def test_unsandboxed_workers_keep_executions_apart(client: Client, world: World) -> None:
    """Without a sandbox module state would be shared by all workflows of a worker."""
    queue = f"bare-{uuid.uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[workflows.Order],
        activities=world.activities(),
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        handles = [
            await client.start_workflow(
                workflows.Order.run, f"O-{n}", id=f"{queue}-{n}", task_queue=queue
            )
            for n in range(5)
        ]
        assert [await handle.result() for handle in handles] == ["fulfilled"] * 5
        reports = [await handle.query("saga_report") for handle in handles]
    assert [len(report["sagas"]) for report in reports] == [1] * 5
    assert len({call.key for call in world.calls}) == 15


async def test_worker_stops_in_the_middle_of_an_undo(client: Client, world: World) -> None:
    """Another worker goes on with the undo from history; nothing is undone twice."""
    queue = f"stopping-{uuid.uuid4()}"

    async def never_ends(call: Call) -> None:
        await asyncio.Event().wait()

    world.on("release", never_ends)
    world.fail("ship", refuse())

    def worker() -> Worker:
        return Worker(
            client,
            task_queue=queue,
            workflows=[workflows.Order],
            activities=world.activities(),
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        )

    async with worker():
        handle = await client.start_workflow(workflows.Order.run, "O-1", id=queue, task_queue=queue)
        await world.started("release")
    assert "release" not in world.done
    world.recover("release")
    async with worker():
        await failure_of(handle)
    assert len(world.of("refund")) == 1
    assert world.done.count("release") == 1
