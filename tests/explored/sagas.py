"""One saga for each option, as small as shows what the option promises.

Those that need more are among the correct variants of `tests.mutants`.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from musterwerk import Saga
from musterwerk.errors import SagaCompensated, StepSkipped
from musterwerk.saga import StepOptions, UndoRetry, uncancellable
from tests.mutants.correct_saga_course import HoldingPayment
from tests.mutants.parts import MINUTE, ONCE, do
from tests.mutants.saga_worlds import SagaWorld
from tests.mutants.with_saga_steps import ONE_ATTEMPT

HOUR = DEADLINE = timedelta(hours=1)
#: The letters' task queue; in the simulator all are one.
LETTERS = "letters"
IMPATIENT = UndoRetry(
    retry_policy=ONCE, rounds=2, pause=10 * MINUTE, slow_pause=HOUR, slow_pause_max=HOUR
)


@workflow.defn
class Undoes:
    """No option at all."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)


@workflow.defn
class Asks:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(
                *(SagaWorld.charge, order),
                undo=SagaWorld.refund,
                on_unknown="probe",
                probe=SagaWorld.find_payment,
                **ONE_ATTEMPT,
            )


@workflow.defn
class Insists:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(
                *(SagaWorld.charge, order),
                undo=SagaWorld.refund,
                on_unknown="retry",
                **ONE_ATTEMPT,
            )


@workflow.defn
class CallsSomebody:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(
                *(SagaWorld.charge, order),
                undo=SagaWorld.refund,
                on_unknown="escalate",
                **ONE_ATTEMPT,
            )


@workflow.defn
class UndoesInOrder:
    @workflow.run
    async def run(self, order: str, parallel: bool = False) -> None:
        async with Saga(parallel_undo=parallel) as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)


@workflow.defn
class UndoesBothAtOnce:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(parallel_undo=True) as saga:
            await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)


@workflow.defn
class Branches:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.gather(
                saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT),
                saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT),
            )


@workflow.defn
class TriesAnew:
    """What came before the checkpoint stays, whatever comes after it."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            saga.checkpoint("paid")
            try:
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)
            except ActivityError:
                await saga.compensate_to("paid")
                await saga.run(SagaWorld.ship, order, undo=SagaWorld.call_back, **ONE_ATTEMPT)


@workflow.defn
class TakesAnotherWay:
    """`compensate` undoes all, and the block goes on."""

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            try:
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            except ActivityError:
                await saga.compensate()
                await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **ONE_ATTEMPT)


@workflow.defn
class GoesForward:
    """What is paid is sent, unless an operator skips that."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            saga.pivot()
            try:
                await saga.run(SagaWorld.ship, order, **ONE_ATTEMPT)
            except StepSkipped:
                return "skipped"
        return "shipped"


@workflow.defn
class FailsForward:
    """A failure of the block after the pivot."""

    @workflow.run
    async def run(self, order: str) -> str:
        async with Saga() as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            saga.pivot()
            await do("tell", order)
        return "told"


@workflow.defn
class WaitsForAWord:
    """Whoever does not say "go" in time has not bought anything."""

    def __init__(self) -> None:
        self._go = False

    @workflow.signal
    def go(self) -> None:
        self._go = True

    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(deadline=DEADLINE) as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            await workflow.wait_condition(lambda: self._go)


@workflow.defn
class KnowsRefusals:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            await saga.run(
                *(SagaWorld.charge, order),
                undo=SagaWorld.refund,
                refusals=["Refused"],
                **ONE_ATTEMPT,
            )


class ChangedItsMind(Exception):
    """No failure of Temporal's: undeclared it is a bug, of which nothing is undone."""


@workflow.defn
class ChangesItsMind:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga(undo_on=[ChangedItsMind]) as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            raise ChangedItsMind


@workflow.defn
class AddsAnUndo:
    @workflow.run
    async def run(self, order: str) -> None:
        async with Saga() as saga:
            saga.add_compensation(SagaWorld.refund_order, order, start_to_close_timeout=MINUTE)
            await do("charge_order", order)


@workflow.defn
class HasAChild:
    @workflow.run
    async def run(self, order: str) -> None:
        saga = Saga()
        try:
            async with saga:
                await saga.run_child(HoldingPayment.run, order)
                await do("tell", order)
        except asyncio.CancelledError:
            if not saga.pivoted:  # else it came when the child had been told to keep its payment
                raise


@workflow.defn
class GoesOnAsNew:
    @workflow.run
    async def run(self, order: str, state: dict[str, Any] | None = None) -> None:
        async with Saga(state=state) as saga:
            if state is None:
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
                workflow.continue_as_new(args=[order, saga.state])
            await do("tell", order)


LOCAL: StepOptions = {
    "local": True,
    "start_to_close_timeout": MINUTE,
    "retry_policy": RetryPolicy(maximum_attempts=2),
}


@workflow.defn
class StaysAtHome:
    """`both`: two local steps in one workflow task, of which the second can be lost."""

    @workflow.run
    async def run(self, order: str, both: bool = False) -> None:
        async with Saga() as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **LOCAL)
            if both:
                await saga.run(SagaWorld.reserve, order, undo=SagaWorld.release, **LOCAL)


@workflow.defn
class SoonCallsForHelp:
    """Undone in any case, by one attempt a round and two rounds."""

    @workflow.run
    async def run(self, order: str, letters: str | None = None) -> None:
        async with Saga(
            undo_retry=IMPATIENT, dead_letters_to=letters, undo_on=[ChangedItsMind]
        ) as saga:
            await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
            raise ChangedItsMind


@workflow.defn
class SaysHowItEnded:
    """The customer hears that nothing comes of it, also if it is cancelled meanwhile."""

    @workflow.run
    async def run(self, order: str) -> None:
        try:
            async with Saga() as saga:
                await saga.run(SagaWorld.charge, order, undo=SagaWorld.refund, **ONE_ATTEMPT)
        except (SagaCompensated, asyncio.CancelledError):
            _, cancelled = await uncancellable(self.tell(order))
            if cancelled:
                raise asyncio.CancelledError from None
            raise

    async def tell(self, order: str) -> None:
        await workflow.execute_activity("tell", order, start_to_close_timeout=MINUTE)
