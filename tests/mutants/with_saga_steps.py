"""Bugs that `Saga` cannot prevent: steps it is not told of, failures it does not see."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from musterwerk import Saga
from musterwerk.errors import SagaCompensated
from musterwerk.saga import StepOptions
from tests.mutants.parts import MINUTE, ONCE, do, tell
from tests.mutants.saga_worlds import SagaWorld

ONE_ATTEMPT: StepOptions = {"start_to_close_timeout": MINUTE, "retry_policy": ONCE}


@workflow.defn
class PaysBesideTheSaga:
    """The payment is an activity of the workflow's own, which the saga knows nothing of.

    Shows with: ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await do("charge_order", order)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class AddsTheUndoAfterwards:
    """An undo that is added by hand, after its step.

    Shows with: charge_order times out with its effect.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await do("charge_order", order)
            saga.add_compensation("refund_order", order, start_to_close_timeout=MINUTE)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class RunsWithoutAnUndo:
    """The reservation has no undo: "it ends by itself at night", which this stock does not do.

    Shows with: charge is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class GoesOnAfterAFailure:
    """The failure of the payment is caught inside the block, and the parcel goes all the same.

    Shows with: charge is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            try:
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            except ActivityError:
                workflow.logger.warning("no payment for %s yet", order)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class SaysShippedAnyway:
    """Whoever catches the end of the saga tells the caller that all is well.

    Shows with: any step is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        try:
            async with Saga() as saga:
                await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        except SagaCompensated:
            workflow.logger.exception("%s was undone", order)
        else:
            await tell(order)
        return "shipped"


@workflow.defn
class OpensASagaForEach:
    """Two sagas one after the other: what the first has done is final when the second fails.

    Shows with: ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga("goods") as goods:
            await goods.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await goods.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
        async with Saga("delivery") as delivery:
            await delivery.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"
