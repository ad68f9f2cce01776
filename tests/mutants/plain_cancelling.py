"""Bugs in how a cancellation is met. Against plain Temporal."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    is_cancelled_exception,
)

from tests.mutants.parts import FAILURES, MINUTE, Undos, do, insist, shielded, tell


@workflow.defn
class SwallowsTheCancellation:
    """A cancelled payment is undone, and the order goes on.

    Shows with: a cancellation while charge runs. The parcel is unpaid.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            try:
                await do("charge", f"{order}/payment")
            except ActivityError as err:
                if not is_cancelled_exception(err):
                    raise
                await shielded(insist(*undos.registered.pop()))
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class CatchesException:
    """`except Exception` does not catch the bare CancelledError of a timer.

    Shows with: a cancellation during the time in which the customer may think again.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            await workflow.sleep(MINUTE)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except Exception:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class CatchesWhatTheActivityRaised:
    """An activity's ApplicationError arrives as the cause of an ActivityError: never caught here.

    Shows with: ship is refused. Nothing is undone.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except (ApplicationError, asyncio.CancelledError):
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class TakesNoCancellationForAFailure:
    """Failures are undone; a cancelled order is left as it is, because "somebody wanted it so".

    Shows with: a cancellation while ship runs. The order is paid and reserved.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FailureError as err:
            if not is_cancelled_exception(err):
                await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class Unshielded:
    """The undo runs in the task that a cancellation interrupts.

    Shows with: ship is refused, and a cancellation while it is undone. The rest stays.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await undos.run()
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class ShieldsOnce:
    """One `asyncio.shield`: the undo would go on, but the workflow ends without waiting for it.

    Shows with: ship is refused, and a cancellation while it is undone.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await asyncio.shield(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class ShieldsEach:
    """Each undo is shielded by itself: a cancellation ends the loop between them.

    Shows with: ship is refused, and a cancellation while it is undone.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            for undo in reversed(undos.registered):
                await asyncio.shield(insist(*undo))
            raise
        await tell(order)
        return "shipped"
