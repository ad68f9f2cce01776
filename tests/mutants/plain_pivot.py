"""Bugs after the point from which there is no way back: the mail. Against plain Temporal."""

from __future__ import annotations

import asyncio

from temporalio import workflow

from tests.mutants.parts import DAY, FAILURES, Undos, do, shielded, tell


@workflow.defn
class UndoesForTheMail:
    """The mail is a step like any other: if it fails, the parcel is called back.

    Shows with: tell times out with its effect. The customer waits for nothing.
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
            await do("tell", order)
        except FAILURES:
            await shielded(undos.run())
            raise
        return "shipped"


@workflow.defn
class UndoesWhenCancelledLate:
    """It waits a day for complaints, and a cancellation then undoes what the mail has promised.

    Shows with: a cancellation in that day.
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
            await tell(order)
            await workflow.sleep(DAY)
        except FAILURES:
            await shielded(undos.run())
            raise
        return "shipped"


@workflow.defn
class TakesTheSignalAtAnyTime:
    """The customer's "cancel" is looked at once, at the very end, whatever was done by then.

    Shows with: the signal cancel_order at any time. The mail was sent, and the parcel is gone.
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
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        if self.unwanted:
            await shielded(undos.run())
            return "cancelled"
        return "shipped"

    @workflow.signal
    def cancel_order(self, order: str) -> None:
        self.unwanted = True


@workflow.defn
class HurriesTheParcel:
    """The parcel goes side by side with the payment, which is not known to succeed.

    The mail follows at once, before anybody has looked at the payment.
    Shows with: charge is refused, after the mail has gone.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            paying = asyncio.create_task(do("charge", f"{order}/payment"))
            try:
                await do("ship", f"{order}/parcel")
                await tell(order)
            finally:
                await paying
        except FAILURES:
            await shielded(undos.run())
            raise
        return "shipped"
