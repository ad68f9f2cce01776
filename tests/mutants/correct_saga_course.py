"""Orders with `Saga` and no bug: the pivot, branches, other runs, going back a part of the way."""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from musterwerk import Saga
from tests.mutants.parts import DAY, tell
from tests.mutants.saga_worlds import SagaWorld
from tests.mutants.with_saga_course import THREE_ATTEMPTS
from tests.mutants.with_saga_steps import ONE_ATTEMPT


@workflow.defn
class TellsAfterThePivot:
    """The mail comes after the pivot, and whatever becomes of it undoes nothing."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
            saga.pivot()
            await tell(order)
        return "shipped"


@workflow.defn
class WaitsAfterThePivot:
    """A cancellation in the day after the mail is too late, and undoes nothing."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
            saga.pivot()
            await tell(order)
            await workflow.sleep(DAY)
        return "shipped"


@workflow.defn
class ContinuesWithItsState:
    """The next run takes up the saga of the first."""

    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> str:
        async with Saga(state=state) as saga:
            if state is None:
                await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
                workflow.continue_as_new(args=[order, saga.state])
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class HoldingPayment:
    """The payment as a workflow of its own, which stays open until the order is decided."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            payment = await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            return await saga.hold(payment)


@workflow.defn
class RunsTheChildInTheSaga:
    """The child is undone with the saga of its parent."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run_child(HoldingPayment.run, order)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class TriesAnotherCarrier:
    """It goes back to after the reservation, and tries once more under another key."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            saga.checkpoint("ready")
            try:
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
            except ActivityError:
                await saga.compensate_to("ready")
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class KnowsARepetition:
    """`AlreadyPaid` is a failure like any other, and undone."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **THREE_ATTEMPTS)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **THREE_ATTEMPTS)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **THREE_ATTEMPTS)
        await tell(order)
        return "shipped"


@workflow.defn
class Gathers:
    """Branches of the saga, settled before anything is undone."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.gather(
                saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT),
                self.pay_and_ship(saga, order),
            )
        await tell(order)
        return "shipped"

    async def pay_and_ship(self, saga: Saga, order: str) -> None:
        await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
        await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)


@workflow.defn
class UsesATaskGroup:
    """A TaskGroup of steps: its ExceptionGroup counts as a failure."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            async with asyncio.TaskGroup() as group:
                group.create_task(
                    saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
                )
                group.create_task(
                    saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
                )
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"


@workflow.defn
class UndoesSideBySide:
    """The undos of this order depend on each other in nothing."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga(parallel_undo=True) as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
        await tell(order)
        return "shipped"
