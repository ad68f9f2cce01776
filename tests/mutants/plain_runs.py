"""Bugs where an order has more than one run: children, continue-as-new. Against plain Temporal."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from tests.mutants.parts import DAY, FAILURES, Undos, do, insist, shielded, tell


@workflow.defn
class Payment:
    """The payment as a workflow of its own, which knows how to undo itself while it runs."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos([["refund", f"{order}/payment"]])
        try:
            return await do("charge", f"{order}/payment")
        except FAILURES:
            await shielded(undos.run())
            raise


@workflow.defn
class TrustsTheChild:
    """A child that has completed undoes nothing any more, and the parent has no undo for it.

    Shows with: ship is refused. The payment stays.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            await workflow.execute_child_workflow(Payment.run, order, id=f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class AbandonsTheChild:
    """The child is left alone at a cancellation, and goes on to pay for an order that is no more.

    Shows with: a cancellation while the child runs.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            await workflow.execute_child_workflow(
                Payment.run,
                order,
                id=f"{order}/payment",
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
            undos.add("refund", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class ForgetsWhenContinued:
    """The second run, which sends the parcel, knows nothing of what the first has to undo.

    Shows with: ship is refused.
    """

    @workflow.run
    async def run(self, order: str, paid: bool = False) -> str:
        undos = Undos()
        try:
            if not paid:
                undos.add("release", f"{order}/stock")
                await do("reserve", f"{order}/stock")
                undos.add("refund", f"{order}/payment")
                await do("charge", f"{order}/payment")
                workflow.continue_as_new(args=[order, True])
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class CatchesEverything:
    """`except BaseException` takes a continue-as-new for a failure, and undoes a sound order.

    What cannot be wrapped today goes tomorrow without it, in a new run.
    Shows with: wrap is refused. The next run ships what was refunded.
    """

    @workflow.run
    async def run(self, order: str, registered: list[list[str]] | None = None) -> str:
        undos = Undos(registered)
        try:
            if registered is None:
                undos.add("release", f"{order}/stock")
                await do("reserve", f"{order}/stock")
                undos.add("refund", f"{order}/payment")
                await do("charge", f"{order}/payment")
                await self.wrap(order, undos)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except BaseException:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    async def wrap(self, order: str, undos: Undos) -> None:
        undos.add("unwrap", f"{order}/wrap")
        try:
            await do("wrap", f"{order}/wrap")
        except ActivityError:
            await shielded(insist(*undos.registered.pop()))
            if workflow.cancellation_reason() is not None:
                raise
            await workflow.sleep(DAY)
            workflow.continue_as_new(args=[order, list(undos.registered)])
