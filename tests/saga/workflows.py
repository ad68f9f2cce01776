"""The workflows that the saga tests run. No test tool is imported here: the sandbox loads it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from musterwerk import Saga
from musterwerk.errors import SagaCompensated, StepSkipped
from musterwerk.saga import UndoRetry

with workflow.unsafe.imports_passed_through():
    from tests.saga.world import World

QUICK = timedelta(milliseconds=20)
ONCE = RetryPolicy(maximum_attempts=1)
LIMIT = timedelta(seconds=20)
#: Rounds as short as a test wants them.
RETRY = UndoRetry(
    retry_policy=RetryPolicy(initial_interval=QUICK, maximum_attempts=2),
    rounds=2,
    pause=QUICK,
    slow_pause=QUICK,
    slow_pause_max=QUICK * 5,
)
#: As above, but the first slow retry comes only after the test is over.
RETRY_LATE = UndoRetry(
    retry_policy=RetryPolicy(initial_interval=QUICK, maximum_attempts=1),
    rounds=1,
    slow_pause=timedelta(hours=1),
)


class Switch:
    """A signal that lets the block go on."""

    def __init__(self) -> None:
        self.opened = False

    @workflow.signal
    def go(self) -> None:
        self.opened = True

    async def gate(self) -> None:
        await workflow.wait_condition(lambda: self.opened)


@workflow.defn
class Order(Switch):
    """reserve, charge, ship; `charge_once` makes a failure of charge final."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            await saga.run(
                World.charge,
                order,
                undo=World.refund,
                retry_policy=ONCE,
                start_to_close_timeout=LIMIT,
            )
            await saga.run(
                World.ship,
                order,
                undo=World.unship,
                retry_policy=ONCE,
                start_to_close_timeout=LIMIT,
            )
        return "fulfilled"


@workflow.defn
class Retried:
    """Its first step is retried by Temporal."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            policy = RetryPolicy(initial_interval=QUICK)
            await saga.run(
                World.charge,
                order,
                undo=World.refund,
                retry_policy=policy,
                start_to_close_timeout=LIMIT,
            )
            await saga.run(
                World.charge,
                order,
                undo=World.refund,
                retry_policy=policy,
                start_to_close_timeout=LIMIT,
            )
            raise ApplicationError("no")


@workflow.defn
class ShortStep:
    """A step that outlives its timeout."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(
                World.charge,
                order,
                undo=World.refund,
                retry_policy=ONCE,
                start_to_close_timeout=timedelta(seconds=1),
                undo_options={"start_to_close_timeout": LIMIT},
            )


@workflow.defn
class ImpatientStep:
    """A cancelled step is not waited for (Temporal's own default)."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(
                World.charge,
                order,
                undo=World.refund,
                cancellation_type=workflow.ActivityCancellationType.TRY_CANCEL,
                start_to_close_timeout=LIMIT,
            )


@workflow.defn
class Waiting(Switch):
    """Waits in a timer between its steps."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            await workflow.sleep(timedelta(days=7))


@workflow.defn
class Stubborn:
    """Catches the cancellation itself and goes on."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            try:
                await workflow.sleep(timedelta(days=7))
            except asyncio.CancelledError:
                workflow.logger.info("swallowed, as hand-written code does")


@workflow.defn
class TimedOut:
    """A cancellation from inside: asyncio.timeout around the block."""

    @workflow.run
    async def run(self, order: str) -> str:
        try:
            async with asyncio.timeout(0.2):
                async with Saga(undo_retry=RETRY) as saga:
                    await saga.run(
                        World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT
                    )
                    await workflow.sleep(timedelta(days=7))
        except TimeoutError:
            async with asyncio.TaskGroup() as group:
                after = group.create_task(workflow.sleep(0.01))
            await after
            return "timed out"
        return "went on"


@workflow.defn
class Continued:
    """Hands its saga over to the next run and fails there."""

    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> None:
        async with Saga(undo_retry=RETRY, state=state) as saga:
            if state is None:
                await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
                saga.checkpoint("first run")
                workflow.continue_as_new(args=[order, saga.state])
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            raise ApplicationError("fails in the second run")


@workflow.defn
class ContinuedHealthy:
    """Continues as new out of the block; the second run ends well."""

    @workflow.run
    async def run(self, order: str, second: bool = False) -> str:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            if not second:
                workflow.continue_as_new(args=[order, True])
        return "done"


@workflow.defn(name="Deployed")
class Buggy:
    """As deployed on Friday."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            return {"status": "fulfilled"}["state"]


@workflow.defn(name="Deployed")
class Mended:
    """As deployed on Monday."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            return {"status": "fulfilled"}["status"]


@workflow.defn
class Declared:
    """Its own exception is declared a failure of the saga."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_on=[LookupError], undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            raise KeyError(order)


@workflow.defn
class Checkpoints:
    """Goes back to "paid" and on from there."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            saga.checkpoint("paid")
            try:
                await saga.run(
                    World.ship,
                    order,
                    undo=World.unship,
                    retry_policy=ONCE,
                    start_to_close_timeout=LIMIT,
                )
            except Exception:
                await saga.compensate_to("paid")
            return await saga.run(
                World.ship, order, undo=World.unship, start_to_close_timeout=LIMIT
            )


@workflow.defn
class UndoneTwice:
    """Undoes by hand and then fails all the same."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            await saga.compensate()
            raise ApplicationError("and fails")


@workflow.defn
class Siblings:
    """Two steps side by side, of which one fails."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await asyncio.gather(
                saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT),
                saga.run(
                    World.charge,
                    order,
                    undo=World.refund,
                    retry_policy=ONCE,
                    start_to_close_timeout=LIMIT,
                ),
            )


@workflow.defn
class Forward(Switch):
    """Ships after the pivot and confirms; a skipped confirmation is no failure."""

    @workflow.run
    async def run(self, order: str) -> str:
        confirmed = "not confirmed"
        async with Saga(undo_retry=RETRY_LATE) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            saga.pivot()
            policy = RetryPolicy(initial_interval=QUICK, maximum_attempts=1)
            await saga.run(World.ship, order, retry_policy=policy, start_to_close_timeout=LIMIT)
            try:
                confirmed = await saga.run(World.confirm, order, start_to_close_timeout=LIMIT)
            except StepSkipped:
                workflow.logger.info("an operator skipped the confirmation")
        return confirmed


@workflow.defn
class ForwardFailing:
    """Fails after the pivot in its own code."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            saga.pivot()
            raise ApplicationError("too late to go back")


@workflow.defn
class Refusal:
    """Declares a failure that comes before any effect."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            await saga.run(
                World.charge,
                order,
                undo=World.refund,
                refusals=["CardDeclined"],
                start_to_close_timeout=LIMIT,
            )


@workflow.defn
class Stuck:
    """Charges and fails; its first slow retry is an hour away."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_retry=RETRY_LATE) as saga:
            await saga.run(World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT)
            await saga.run(World.charge, order, undo=World.refund, start_to_close_timeout=LIMIT)
            raise ApplicationError("no stock")


@workflow.defn
class Telling:
    """Catches the outcome and goes on, as a workflow that writes a mail does."""

    @workflow.run
    async def run(self, order: str) -> str:
        try:
            async with Saga(undo_retry=RETRY) as saga:
                await saga.run(
                    World.reserve, order, undo=World.release, start_to_close_timeout=LIMIT
                )
                await saga.run(
                    World.charge,
                    order,
                    undo=World.refund,
                    retry_policy=ONCE,
                    start_to_close_timeout=LIMIT,
                )
        except SagaCompensated as err:
            return f"told: {err.message}"
        return "fulfilled"


@workflow.defn
class Misused:
    """Does what `how` says, all of it wrong."""

    @workflow.run
    async def run(self, how: str) -> None:
        async with Saga() as saga:
            if how == "two of one name":
                Saga()
            elif how == "undo after the pivot":
                saga.pivot()
                await saga.run(World.charge, how, undo=World.refund, start_to_close_timeout=LIMIT)
            elif how == "compensate after the pivot":
                saga.pivot()
                await saga.compensate()
            elif how == "arity":
                wrong: Any = World.confirm
                await saga.run(World.charge, how, undo=wrong, start_to_close_timeout=LIMIT)
            elif how == "unknown checkpoint":
                await saga.compensate_to("paid")
            elif how == "unbounded undo":
                await saga.run(
                    World.charge,
                    how,
                    undo=World.refund,
                    undo_options={"retry_policy": RetryPolicy()},
                    start_to_close_timeout=LIMIT,
                )
        await saga.run(World.charge, how, start_to_close_timeout=LIMIT)


ALL = [
    value
    for value in list(globals().values())
    if isinstance(value, type) and hasattr(value, "__temporal_workflow_definition")
]
