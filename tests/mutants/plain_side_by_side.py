"""Bugs of steps that run side by side. Against plain Temporal."""

from __future__ import annotations

import asyncio

from temporalio import workflow

from tests.mutants.parts import FAILURES, Undos, do, shielded, tell


@workflow.defn
class LeavesTheSiblingRunning:
    """`gather` raises at the first failure; the other branch goes on and begins new steps.

    Shows with: reserve is refused. What began before is undone, and the branch ships meanwhile.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await asyncio.gather(self.goods(order, undos), self.service(order, undos))
        except FAILURES:
            await shielded(Undos(list(undos.registered)).run())
            raise
        await tell(order)
        return "shipped"

    async def goods(self, order: str, undos: Undos) -> None:
        undos.add("release", f"{order}/stock")
        await do("reserve", f"{order}/stock")

    async def service(self, order: str, undos: Undos) -> None:
        undos.add("refund", f"{order}/payment")
        await do("charge", f"{order}/payment")
        undos.add("unwrap", f"{order}/wrap")
        await do("wrap", f"{order}/wrap")
        undos.add("call_back", f"{order}/parcel")
        await do("ship", f"{order}/parcel")


@workflow.defn
class LosesTheSiblingsSuccess:
    """Each branch registers its undo when it is through; the failure of one comes before that.

    Shows with: reserve is refused at once, while charge runs and then has its effect.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await asyncio.gather(
                self.step(undos, "reserve", "release", f"{order}/stock"),
                self.step(undos, "charge", "refund", f"{order}/payment"),
            )
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    async def step(self, undos: Undos, step: str, undo: str, key: str) -> None:
        await do(step, key)
        undos.add(undo, key)


@workflow.defn
class MissesTheGroup:
    """A TaskGroup raises an ExceptionGroup, which is none of the failures that are caught.

    It does not fail the workflow either: the task is retried for ever.
    Shows with: reserve is refused. The order hangs, with the money taken.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            async with asyncio.TaskGroup() as group:
                group.create_task(do("reserve", f"{order}/stock"))
                group.create_task(do("charge", f"{order}/payment"))
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class LooksAtOneBranchOnly:
    """All branches are settled, but only the first is looked at.

    Shows with: charge is refused. The order goes on, unpaid.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            stock, _ = await asyncio.gather(
                do("reserve", f"{order}/stock"),
                do("charge", f"{order}/payment"),
                return_exceptions=True,
            )
            if isinstance(stock, BaseException):
                raise stock
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"
