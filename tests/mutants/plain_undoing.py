"""Bugs in how undos are carried out. Against plain Temporal."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from tests.mutants.parts import FAILURES, MINUTE, ONCE, THRICE, Undos, do, shielded, tell


async def _undo_once(undo: list[str]) -> None:
    await workflow.execute_activity(
        undo[0], args=undo[1:], start_to_close_timeout=MINUTE, retry_policy=ONCE
    )


async def _undo_thrice(undo: list[str]) -> None:
    await workflow.execute_activity(
        undo[0], args=undo[1:], start_to_close_timeout=MINUTE, retry_policy=THRICE
    )


async def _three_steps(order: str, undos: Undos) -> None:
    undos.add("release", f"{order}/stock")
    await do("reserve", f"{order}/stock")
    undos.add("refund", f"{order}/payment")
    await do("charge", f"{order}/payment")
    undos.add("call_back", f"{order}/parcel")
    await do("ship", f"{order}/parcel")


@workflow.defn
class UndoesInTheOrderOfDoing:
    """First in, first out, as in Restate's guide for Java: the money is back before the parcel.

    Shows with: ship has its effect and an error.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await _three_steps(order, undos)
        except FAILURES:
            undos.registered.reverse()
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class UndoesOnce:
    """One attempt for each undo, and its failure is only logged.

    Shows with: ship is refused, and refund fails once.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await _three_steps(order, undos)
        except FAILURES:
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: Undos) -> None:
        for undo in reversed(undos.registered):
            try:
                await _undo_once(undo)
            except ActivityError:
                workflow.logger.exception("could not %s", undo[0])


@workflow.defn
class GivesUp:
    """Three attempts, then a line in the log and nothing else, as `continueWithError` in Java.

    Shows with: ship is refused, and refund fails for ever.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await _three_steps(order, undos)
        except FAILURES:
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: Undos) -> None:
        for undo in reversed(undos.registered):
            try:
                await _undo_thrice(undo)
            except Exception:
                workflow.logger.exception("could not %s", undo[0])


@workflow.defn
class StopsAtTheFirstFailure:
    """An undo that fails takes the place of the failure, and the others are never begun.

    Shows with: ship is refused, and call_back or refund fails for good.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await _three_steps(order, undos)
        except FAILURES:
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: Undos) -> None:
        for undo in reversed(undos.registered):
            await _undo_once(undo)


@workflow.defn
class CollectsAndIgnores:
    """Undos side by side, with `return_exceptions=True`, and nobody looks at them.

    Shows with: charge is refused, and release fails once.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await _three_steps(order, undos)
        except FAILURES:
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: Undos) -> None:
        begun = [_undo_once(undo) for undo in undos.registered]
        await asyncio.gather(*begun, return_exceptions=True)


@workflow.defn
class DoesNotWait:
    """The undos are started, and the workflow ends: the server drops them.

    Shows with: ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            await _three_steps(order, undos)
        except FAILURES:
            for undo in reversed(undos.registered):
                workflow.start_activity(undo[0], args=undo[1:], start_to_close_timeout=MINUTE)
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class GoesBackTheWrongWay:
    """To get back to a checkpoint it undoes what came before it, and keeps what came after.

    Shows with: ship by lorry has its effect and an error. Two parcels, and none reserved.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund", f"{order}/payment")
            await do("charge", f"{order}/payment")
            checkpoint = len(undos.registered)
            try:
                undos.add("call_back", f"{order}/lorry")
                await do("ship", f"{order}/lorry")
            except ActivityError:
                if workflow.cancellation_reason() is None:
                    await shielded(Undos(undos.registered[:checkpoint]).run())
                if workflow.cancellation_reason() is not None:
                    raise
                undos.add("call_back", f"{order}/train")
                await do("ship", f"{order}/train")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class RefundsAnotherAmount:
    """The refund is of the goods, without what the carriage cost.

    Shows with: ship is refused.
    """

    @workflow.run
    async def run(self, order: str) -> str:
        undos = Undos()
        try:
            undos.add("release", f"{order}/stock")
            await do("reserve", f"{order}/stock")
            undos.add("refund_amount", f"{order}/payment", "68.10")
            await do("charge", f"{order}/payment")
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"
