"""Bugs that `Saga` cannot prevent: what is final when, other runs, wrong options."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from musterwerk import Saga
from musterwerk.saga import StepOptions
from tests.mutants.parts import MINUTE, THRICE, tell
from tests.mutants.saga_worlds import SagaWorld
from tests.mutants.with_saga_steps import ONE_ATTEMPT

THREE_ATTEMPTS: StepOptions = {"start_to_close_timeout": MINUTE, "retry_policy": THRICE}


@workflow.defn
class TellsBeforeThePivot:
    """The pivot comes after the mail, which cannot be undone.

    Shows with: tell times out with its effect. The customer waits for nothing.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
            await saga.run(SagaWorld.tell, order, **ONE_ATTEMPT)
            saga.pivot()
        return "shipped"


@workflow.defn
class ContinuesWithoutItsState:
    """The next run opens a new saga, which knows nothing of the first.

    Shows with: ship is refused.
    """

    @workflow.run
    async def run(self, order: str, paid: bool = False) -> str:
        async with Saga() as saga:
            if not paid:
                await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
                workflow.continue_as_new(args=[order, True])
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class PaymentSaga:
    """The payment as a workflow of its own."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            return await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)


@workflow.defn
class RunsTheChildByHand:
    """The child has completed, and with it its saga; the parent's saga does not know it.

    Shows with: ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await workflow.execute_child_workflow(PaymentSaga.run, order, id=f"{order}/payment")
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class SetsTheCheckpointTooEarly:
    """To try another carrier it goes back to before the reservation, and not to after it.

    Shows with: the first ship is refused. The second sends what is not reserved.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            saga.checkpoint("ready")
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            try:
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
            except ActivityError:
                await saga.compensate_to("ready")
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class TakesARepetitionForARefusal:
    """`AlreadyPaid` is declared as a refusal, "so nothing was taken": it was, the first time.

    Shows with: the reply of charge is lost, and it is retried.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **THREE_ATTEMPTS)
            await saga.run(
                SagaWorld.charge,
                order,
                undo=SagaWorld.refund,
                refusals=["AlreadyPaid"],
                **THREE_ATTEMPTS,
            )
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **THREE_ATTEMPTS)
        await tell(order)
        return "shipped"


@workflow.defn
class CancelsWithoutWaiting:
    """TRY_CANCEL undoes at once. Right where services leave tombstones.

    Without them: a cancellation while charge runs, whose effect comes after its refund.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        at_once: StepOptions = {
            **ONE_ATTEMPT,
            "cancellation_type": workflow.ActivityCancellationType.TRY_CANCEL,
        }
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **at_once)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **at_once)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **at_once)
        await tell(order)
        return "shipped"


@workflow.defn
class LocalSagaOrder:
    """Steps with effects as local activities: they are on record only when their task has ended.

    Shows with: the worker dies in the first task, whose steps have had their effects, and a
    cancellation comes before the task is done again. Nobody knows of them, and nobody undoes them.
    Where services take no keys, the worker's death alone does them twice.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        local: StepOptions = {**THREE_ATTEMPTS, "local": True}
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **local)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **local)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **local)
        await tell(order)
        return "shipped"
