"""Bugs in what is registered as an undo, and when. Against plain Temporal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from tests.mutants.parts import FAILURES, Undos, do, insist, shielded, tell


@workflow.defn
class RegistersAfter:
    """The undo is registered after its step, as in many samples for Go and TypeScript.

    Shows with: charge times out with its effect. Nobody refunds it.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await do("reserve", f"{order}/stock")
            undos.add("release", f"{order}/stock")
            await do("charge", f"{order}/payment")
            undos.add("refund", f"{order}/payment")
            await do("ship", f"{order}/parcel")
            undos.add("call_back", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class RegistersTheReceipt:
    """The undo of the payment needs the payment's answer, so it cannot be there before it.

    Shows with: charge has its effect and an error. There is no receipt to refund.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            receipt = await do("charge", f"{order}/payment")
            undos.add("refund_receipt", receipt)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class TriesTooLate:
    """The first step is outside of the block that undoes.

    Shows with: reserve times out with its effect. The piece stays reserved.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos([["release", f"{order}/stock"]])
        await do("reserve", f"{order}/stock")
        try:
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class ForgetsTheStock:
    """One step has no undo.

    Shows with: charge is refused. The piece stays reserved.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
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


@workflow.defn
class TakesCancelledForNotDone:
    """A step that was cancelled is struck off the list, as if it had not run.

    Shows with: a cancellation while charge runs, which has its effect all the same.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            for step, undo, what in (
                ("reserve", "release", "stock"),
                ("charge", "refund", "payment"),
                ("ship", "call_back", "parcel"),
            ):
                undos.add(undo, f"{order}/{what}")
                try:
                    await do(step, f"{order}/{what}")
                except ActivityError as err:
                    if is_cancelled_exception(err):
                        undos.registered.pop()
                    raise
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class BindsTooLate:
    """The undos are closures over the loop's variable: all of them undo the last article.

    Shows with: charge is refused. The first piece stays reserved.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos: list[Callable[[], Awaitable[None]]] = []
        try:
            for piece in (f"{order}/stock/1", f"{order}/stock/2"):
                undos.append(lambda: insist("release", piece))  # noqa: B023 - the bug
                await do("reserve", piece)
            undos.append(lambda: insist("refund", f"{order}/payment"))
            await do("charge", f"{order}/payment")
            undos.append(lambda: insist("call_back", f"{order}/parcel"))
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: list[Callable[[], Awaitable[None]]]) -> None:
        for undo in reversed(undos):
            await undo()
