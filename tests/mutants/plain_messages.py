"""Bugs of signals, updates and timers that meet. Against plain Temporal."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

from tests.mutants.parts import DAY, FAILURES, Undos, do, shielded, tell


@workflow.defn
class ForgetsTheSignal:
    """The wish is reset right before it is waited for, so one that came earlier is lost.

    The handler has promised the customer by then that the order is cancelled.
    Shows with: the signal cancel_order while reserve or charge runs.
    """

    def __init__(self) -> None:
        self.unwanted = False
        self.closed = False

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            self.unwanted = False
            try:
                await workflow.wait_condition(lambda: self.unwanted, timeout=DAY)
            except TimeoutError:
                self.closed = True
            else:
                await shielded(undos.run())
                await workflow.wait_condition(workflow.all_handlers_finished)
                return "cancelled"
            await workflow.wait_condition(workflow.all_handlers_finished)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            self.closed = True
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def cancel_order(self, order: str) -> None:
        if self.closed:
            return
        self.unwanted = True
        try:
            await do("promise", order)
        except ActivityError:
            workflow.logger.warning("the customer of %s does not know yet", order)


@workflow.defn
class PromisesWhatIsTooLate:
    """The handler promises whenever it is asked, also when the parcel is on its way.

    Shows with: the signal cancel_order while ship runs.
    """

    def __init__(self) -> None:
        self.unwanted = False

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            if self.unwanted:
                await shielded(undos.run())
                await workflow.wait_condition(workflow.all_handlers_finished)
                return "cancelled"
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        await tell(order)
        return "shipped"

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def cancel_order(self, order: str) -> None:
        self.unwanted = True
        try:
            await do("promise", order)
        except ActivityError:
            workflow.logger.warning("the customer of %s does not know yet", order)


@workflow.defn
class TakesUpdatesWhileUndoing:
    """An update adds a step while the order is undone already; nobody undoes that one.

    Shows with: ship is refused, and the update gift_wrap while the undo runs.
    """

    def __init__(self) -> None:
        self.undos = Undos()

    @workflow.run
    async def run(self, order: str) -> str:
        try:
            self.undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            self.undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            await workflow.wait_condition(workflow.all_handlers_finished)
            self.undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            undone = Undos(list(self.undos.registered))
            await shielded(undone.run())
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        await tell(order)
        return "shipped"

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def gift_wrap(self, order: str) -> str:
        self.undos.add("unwrap", f"{order}/wrap")
        return await do("wrap", f"{order}/wrap")


@workflow.defn
class LetsBothWin:
    """When the time for the approval is over, a late approval still counts, and so does the end.

    Shows with: the signal approve while the expired order is undone.
    """

    def __init__(self) -> None:
        self.approved = False

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            try:
                await workflow.wait_condition(lambda: self.approved, timeout=DAY)
            except TimeoutError:
                await shielded(undos.run())
            if not self.approved:
                return "expired"
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    @workflow.signal
    def approve(self) -> None:
        self.approved = True
