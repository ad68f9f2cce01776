"""Correct orders: unknown outcomes, branches, and other runs."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from tests.mutants.parts import DAY, FAILURES, Undos, do, insist, shielded, tell
from tests.mutants.plain_runs import Payment


@workflow.defn
class RefundsBeforePayingAnotherWay:
    """The card payment is undone before another one is tried."""

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
                await shielded(insist(*undos.registered.pop()))
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
class PaysUnderTheSameKey:
    """A loop of its own around the payment, with one key in all rounds."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            for attempt in range(3):
                try:
                    await do("charge", f"{order}/payment")
                except ActivityError:
                    if attempt == 2 or workflow.cancellation_reason() is not None:
                        raise
                else:
                    break
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class UndoesWhenImpatient:
    """It waits half a minute for the payment; then it stops it, and undoes it."""

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
class WaitsForTheAnswer:
    """A payment without an answer is reported, and waited for."""

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
                workflow.logger.warning("no answer yet for %s", order)
            await paying
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class SettlesBothBranches:
    """All branches have ended before anything is undone."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            ended = await asyncio.gather(
                self.goods(order, undos), self.service(order, undos), return_exceptions=True
            )
            for one in ended:
                if isinstance(one, BaseException):
                    raise one
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    async def goods(self, order: str, undos: Undos) -> None:
        undos.add("release", f"{order}/stock")
        await do("reserve", f"{order}/stock")

    async def service(self, order: str, undos: Undos) -> None:
        undos.add("refund", f"{order}/payment")
        await do("charge", f"{order}/payment")
        undos.add("call_back", f"{order}/parcel")
        await do("ship", f"{order}/parcel")


@workflow.defn
class CatchesTheGroup:
    """The ExceptionGroup of a TaskGroup is caught, and its first failure raised."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(do("reserve", f"{order}/stock"))
                    group.create_task(do("charge", f"{order}/payment"))
            except BaseExceptionGroup as failed:
                raise failed.exceptions[0] from failed
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class RefundsForTheChild:
    """The parent has an undo of its own for what its child does."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await workflow.execute_child_workflow(Payment.run, order, id=f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class RemembersWhenContinued:
    """The second run is given what the first has to undo."""

    @workflow.run
    async def run(self, order: str, registered: list[list[str]] | None = None) -> str:
        undos = Undos(registered)
        try:
            if registered is None:
                undos.add("release", f"{order}/stock")
                await do("reserve", f"{order}/stock")
                undos.add("refund", f"{order}/payment")
                await do("charge", f"{order}/payment")
                workflow.continue_as_new(args=[order, undos.registered])
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class ContinuesUnharmed:
    """A continue-as-new is no failure, and passes."""

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
        except FAILURES:
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
