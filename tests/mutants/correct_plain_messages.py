"""Correct orders: signals, updates and timers that meet."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from tests.mutants.parts import DAY, FAILURES, Undos, do, shielded, tell


@workflow.defn
class RemembersTheSignal:
    """A wish counts from the first moment until the parcel is decided, and is promised only then.

    Once the parcel is decided, nobody is promised anything.
    """

    def __init__(self) -> None:
        self.unwanted = False
        self.decided = False

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            try:
                await workflow.wait_condition(lambda: self.unwanted, timeout=DAY)
            except TimeoutError:
                workflow.logger.info("nobody wants %s cancelled", order)
            if self.unwanted:
                await shielded(undos.run())
                await workflow.wait_condition(workflow.all_handlers_finished)
                return "cancelled"
            self.decided = True
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            self.decided = True
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    @workflow.signal(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def cancel_order(self, order: str) -> None:
        if self.decided:
            return
        self.unwanted = True
        try:
            await do("promise", order)
        except ActivityError:
            workflow.logger.warning("the customer of %s does not know yet", order)


@workflow.defn
class TakesTheSignalInTime:
    """The wish is looked at before the parcel goes, and comes too late after that."""

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
                return "cancelled"
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    @workflow.signal
    def cancel_order(self, order: str) -> None:
        self.unwanted = True


@workflow.defn
class RefusesUpdatesWhileUndoing:
    """A validator closes the door before anything is undone; who is inside is waited for."""

    def __init__(self) -> None:
        self.undos = Undos()
        self.closed = False

    @workflow.run
    async def run(self, order: str) -> str:
        try:
            self.undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            self.undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            self.undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            self.closed = True
            await shielded(self.undo())
            raise
        self.closed = True
        await tell(order)
        return "shipped"

    async def undo(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self.undos.run()

    @workflow.update(unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def gift_wrap(self, order: str) -> str:
        if self.closed:
            raise ApplicationError("too late to be wrapped")
        self.undos.add("unwrap", f"{order}/wrap")
        return await do("wrap", f"{order}/wrap")

    @gift_wrap.validator
    def is_open(self, order: str) -> None:
        if self.closed:
            raise ApplicationError("too late to be wrapped")


@workflow.defn
class LetsOneWin:
    """What the time decided is decided: an approval after it is too late."""

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
