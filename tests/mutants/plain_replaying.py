"""Bugs that show when a worker takes up a workflow again and replays it. Against plain Temporal.

They run outside of the sandbox, which would hide some of them: it gives every run its own modules.
"""

from __future__ import annotations

import itertools
import uuid

from temporalio import workflow

from tests.mutants.parts import FAILURES, MINUTE, ONCE, Undos, do, shielded, tell

_numbers = itertools.count(1)


@workflow.defn(sandboxed=False)
class CountsInTheModule:
    """The number of the payment comes from a counter of the process: after a replay it differs.

    The payment has the number of the first time, its refund that of the replay.
    Shows with: the worker is killed after charge, and ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        payment = f"{order}/payment/{next(_numbers)}"
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", payment)
            await do("charge", payment)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn(sandboxed=False)
class MakesUpAKey:
    """A random key that is not Temporal's: after a replay it is another one.

    Shows with: the worker is killed after charge, and ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        payment = f"{order}/{uuid.uuid4()}"
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", payment)
            await do("charge", payment)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn(sandboxed=False)
class RegistersOnlyTheFirstTime:
    """ "Not again on replay": the list of undos is left empty when it is needed.

    Shows with: the worker is killed after charge, and ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            self.register(undos, "release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            self.register(undos, "refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            self.register(undos, "call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"

    def register(self, undos: Undos, undo: str, key: str) -> None:
        if not workflow.unsafe.is_replaying():
            undos.add(undo, key)


@workflow.defn(sandboxed=False)
class NamesTheActivityAtRandom:
    """The id of an activity is random: after a replay the history fits no more.

    Shows with: the worker is killed after charge. The order hangs, with the money taken.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await workflow.execute_activity(
                "charge",
                f"{order}/payment",
                activity_id=f"charge-{uuid.uuid4()}",
                start_to_close_timeout=MINUTE,
                retry_policy=ONCE,
            )
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"
