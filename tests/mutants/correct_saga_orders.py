"""Orders with `Saga` and no bug. Some show one only in a flawed world."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from musterwerk import Saga
from musterwerk.errors import SagaCompensated
from tests.mutants.parts import MINUTE, do, tell
from tests.mutants.saga_worlds import SagaWorld
from tests.mutants.with_saga_course import THREE_ATTEMPTS
from tests.mutants.with_saga_steps import ONE_ATTEMPT


@workflow.defn
class SagaOrder:
    """One attempt for each step."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class PersistentSagaOrder:
    """Three attempts for each step."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **THREE_ATTEMPTS)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **THREE_ATTEMPTS)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **THREE_ATTEMPTS)
        await tell(order)
        return "shipped"


@workflow.defn
class AddsTheUndoFirst:
    """An undo that is added by hand, before its step."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            saga.add_compensation("refund_order", order, start_to_close_timeout=MINUTE)
            await do("charge_order", order)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class SaysSorry:
    """Whoever catches the end of the saga says what became of the order."""

    @workflow.run
    async def run(self, order: str) -> str:
        try:
            async with Saga() as saga:
                await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        except SagaCompensated:
            return "sorry"
        await tell(order)
        return "shipped"


@workflow.defn
class AsksForThePayment:
    """After a lost answer it asks the service, and goes on where the payment was made.

    Right as far as the answer is.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(
                SagaWorld.charge,
                order,
                undo=SagaWorld.refund,
                on_unknown="probe",
                probe=SagaWorld.find_payment,
                **ONE_ATTEMPT,
            )
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class HasADeadline:
    """What has not been sent within an hour is undone."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(deadline=timedelta(hours=1)) as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **THREE_ATTEMPTS)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **THREE_ATTEMPTS)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **THREE_ATTEMPTS)
        await tell(order)
        return "shipped"


@workflow.defn
class ThinksAgain:
    """A time in which a cancellation is met by a timer."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await workflow.sleep(MINUTE)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"
