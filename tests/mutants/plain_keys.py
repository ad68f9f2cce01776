"""Bugs of keys and repetition. Against plain Temporal; some need a flawed service."""

from __future__ import annotations

from temporalio import workflow

from tests.mutants.parts import FAILURES, MINUTE, THRICE, Undos, do, persist, shielded, tell


@workflow.defn
class KeyOfTheClock:
    """The key is made of the time, anew for the undo: a minute later it is another one.

    Shows with: charge times out with its effect, which takes a minute.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            try:
                await do("charge", self.key(order))
            except FAILURES:
                undos.add("refund", self.key(order))
                raise
            undos.add("refund", self.key(order))
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    def key(self, order: str) -> str:
        return f"{order}/payment/{workflow.now():%Y%m%d%H%M}"


@workflow.defn
class Persistent:
    """Each step may take three attempts. Right where the services take keys.

    Where they take none, or get another with each attempt: a lost answer does it twice.
    Shows with: the reply of charge is lost, and it is retried.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await persist("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await persist("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await persist("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class PersistentLocal:
    """The same with local activities, which are on record only when their task has ended.

    Shows with: the worker dies in the first task, whose steps have had their effects, and a
    cancellation comes before the task is done again. Nobody knows of them, and nobody undoes them.
    Where services take no keys, the worker's death alone does them twice.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await self.local("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await self.local("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await self.local("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    async def local(self, step: str, key: str) -> str:
        return await workflow.execute_local_activity(
            step, args=[key], result_type=str, start_to_close_timeout=MINUTE, retry_policy=THRICE
        )


@workflow.defn
class UndoesEverything:
    """A fixed list of undos, whatever was begun. Right where an undo may find nothing.

    Where a refund pays whenever it is asked, it pays for what was never paid.
    Shows there with: reserve is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos(
            [
                ["release", f"{order}/stock"],
                ["refund", f"{order}/payment"],
                ["call_back", f"{order}/parcel"],
            ]
        )
        try:
            await do("reserve", f"{order}/stock")
            await do("charge", f"{order}/payment")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class Order:
    """One attempt for each step, and the undo registered before it. Right with sound services.

    Without tombstones: charge is a zombie, which lands after its refund.
    With refunds under the key of the charge: ship is refused, and the refund does nothing.
    With refunds that pay each time: ship is refused, and the reply of refund is lost, and retried.
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
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"
