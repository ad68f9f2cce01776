"""Correct orders: what a cancellation and a failing undo meet."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from tests.mutants.parts import DAY, FAILURES, MINUTE, Undos, do, insist, shielded, tell


@workflow.defn
class EndsWhenCancelled:
    """A cancelled payment is logged, and undone."""

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
                if is_cancelled_exception(err):
                    workflow.logger.info("cancelled while paying")
                raise
            undos.add("call_back", f"{order}/parcel")
            await do("ship", f"{order}/parcel")
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class ThinksAgainByHand:
    """A bare CancelledError of a timer is caught."""

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
        except FAILURES:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class CatchesByTwoNames:
    """Failures and cancellations are caught by names of their own."""

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
        except ActivityError:
            await shielded(undos.run())
            raise
        except asyncio.CancelledError:
            await shielded(undos.run())
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class SaysSorryByHand:
    """A failure ends as an answer, a cancellation as one."""

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
        except FAILURES as err:
            await shielded(undos.run())
            if is_cancelled_exception(err):
                raise
            return "sorry"
        await tell(order)
        return "shipped"


@workflow.defn
class ShieldsALoopOfItsOwn:
    """The undo is a task; who waits for it takes each cancellation back, and waits again."""

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
            work = undos.run()
            try:
                undoing = asyncio.create_task(work)
            except BaseException:  # the workflow is being evicted
                work.close()
                raise
            while not undoing.done():
                try:
                    await asyncio.shield(undoing)
                except asyncio.CancelledError:
                    if undoing.cancelled():
                        break
                    if (current := asyncio.current_task()) is not None:
                        current.uncancel()
            undoing.result()
            raise
        await tell(order)
        return "shipped"


@workflow.defn
class UndoesSideBySideToTheEnd:
    """Undos side by side, of which none gives up."""

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
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: Undos) -> None:
        await asyncio.gather(*(insist(*undo) for undo in undos.registered))


@workflow.defn
class UndoesWithUnlimitedAttempts:
    """Temporal's own retries, which have no end."""

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
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: Undos) -> None:
        for undo in reversed(undos.registered):
            while not await self.undone(undo):
                await workflow.sleep(DAY)

    async def undone(self, undo: list[str]) -> bool:
        try:
            await workflow.execute_activity(undo[0], args=undo[1:], start_to_close_timeout=MINUTE)
        except ActivityError:
            workflow.logger.exception("could not %s; tomorrow again", undo[0])
            return False
        return True


@workflow.defn
class StartsAndWaits:
    """The undos are started together, and waited for until each has succeeded."""

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
            await shielded(self.undo(undos))
            raise
        await tell(order)
        return "shipped"

    async def undo(self, undos: Undos) -> None:
        tasks = [asyncio.create_task(insist(*undo)) for undo in undos.registered]
        await workflow.wait(tasks)
        for task in tasks:
            task.result()


@workflow.defn
class GoesBackTheRightWay:
    """To get back to a checkpoint it undoes what came after it."""

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
                after, undos.registered[checkpoint:] = undos.registered[checkpoint:], []
                await shielded(Undos(after).run())
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
class MailsWithoutUndoing:
    """A mail that fails is logged; nothing is undone after the parcel is out."""

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
        try:
            await do("tell", order)
        except FAILURES:
            workflow.logger.warning("no mail for %s", order)
        return "shipped"


@workflow.defn
class WaitsOutsideOfTheBlock:
    """The day for complaints is outside of what undoes."""

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
        await workflow.sleep(DAY)
        return "shipped"
