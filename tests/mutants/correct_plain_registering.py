"""Correct orders: what is registered before its step is found by its undo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from tests.mutants.parts import FAILURES, MINUTE, THRICE, Undos, do, insist, shielded, tell


@workflow.defn
class RegistersInALoop:
    """Each undo before its step, from a table."""

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
                await do(step, f"{order}/{what}")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class RefundsByTheOrder:
    """The receipt is for the customer; the refund finds the payment by its key."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            receipt = await do("charge", f"{order}/payment")
            workflow.logger.info("receipt %s", receipt)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class TriesFromTheStart:
    """The first step is inside of the block, and its undo is there already."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos([["release", f"{order}/stock"]])
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
class StrikesOffWhatWasRefused:
    """Only what is refused before any effect is struck off."""

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
                kind = err.cause.type if isinstance(err.cause, ApplicationError) else None
                if kind == "EffectUndone" and not is_cancelled_exception(err):
                    undos.registered.pop()
                raise
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class BindsInTime:
    """Undos as `partial`, which hold what they were given."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos: list[Callable[[], Awaitable[None]]] = []
        try:
            for piece in (f"{order}/stock/1", f"{order}/stock/2"):
                undos.append(partial(insist, "release", piece))
                await do("reserve", piece)
            undos.append(partial(insist, "refund", f"{order}/payment"))
            await do("charge", f"{order}/payment")
            undos.append(partial(insist, "call_back", f"{order}/parcel"))
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: list[Callable[[], Awaitable[None]]]) -> None:
        for undo in reversed(undos):
            await undo()


@workflow.defn
class RefundsTheSameAmount:
    """The refund is of what was charged."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund_amount", f"{order}/payment", "73.00")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class MakesUpAKeyOnce:
    """A random key of Temporal's, which is the same on replay."""

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            payment = f"{order}/{workflow.uuid4()}"
            undos.add("refund", payment)
            await do("charge", payment)
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class KeyOfTheStart:
    """The key holds the time, taken once."""

    @workflow.run
    async def run(self, order: str) -> str:
        payment = f"{order}/payment/{workflow.now():%Y%m%d%H%M}"
        undos = Undos()
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


@workflow.defn
class PersistsWithinAMinute:
    """Attempts are limited by the time they take together."""

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
                schedule_to_close_timeout=MINUTE,
                retry_policy=THRICE,
            )
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"
