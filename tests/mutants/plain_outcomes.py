"""Bugs about what is not known: a lost answer is taken for a failure. Against plain Temporal."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from tests.mutants.parts import FAILURES, Undos, do, shielded, tell


@workflow.defn
class PaysAnotherWay:
    """A card payment that fails is followed by a direct debit, though it may have gone through.

    Shows with: charge by card times out with its effect. It is paid twice.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/card")
            try:
                await do("charge", f"{order}/card")
            except ActivityError:
                if workflow.cancellation_reason() is not None:
                    raise
                undos.add("refund", f"{order}/debit")
                await do("charge", f"{order}/debit")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class PaysUnderANewKey:
    """A loop of its own around the payment, with a new key in each round.

    Shows with: charge has its effect and an error. The next round charges again.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            await self.pay(order, undos)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    async def pay(self, order: str, undos: Undos) -> None:
        for attempt in range(3):
            undos.add("refund", f"{order}/payment/{attempt}")
            try:
                await do("charge", f"{order}/payment/{attempt}")
            except ActivityError:
                if attempt == 2 or workflow.cancellation_reason() is not None:
                    raise
            else:
                return


@workflow.defn
class LosesPatience:
    """It waits half a minute for the payment; then the payment counts as not made.

    Shows with: charge times out with its effect, later than that. Nobody refunds it.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            paying = asyncio.create_task(do("charge", f"{order}/payment"))
            answered, _ = await workflow.wait([paying], timeout=30)
            if not answered:
                paying.cancel()
                undos.registered.pop()
                await shielded(undos.run())
                return "try again later"
            await paying
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class ShipsOnSuspicion:
    """A payment without an answer is taken for made: "the bank is slow today".

    Shows with: charge times out without its effect. The parcel is unpaid.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            paying = asyncio.create_task(do("charge", f"{order}/payment"))
            answered, _ = await workflow.wait([paying], timeout=50)
            if answered:
                await paying
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"
