"""How the block of a saga ends: completed, undone, failed after the pivot, or handed on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from musterwerk.errors import (
    SagaCompensated,
    SagaCompensationFailed,
    SagaForwardFailed,
)
from musterwerk.saga import rules
from musterwerk.saga.book import Book
from musterwerk.saga.children import Children
from musterwerk.saga.model import Step
from musterwerk.saga.order import every_step
from musterwerk.saga.shield import CancelWatch, shielded
from musterwerk.saga.undoing import Undoing


class Ending:
    """`absorbed` is a cancellation that was kept from what must not be interrupted."""

    def __init__(
        self,
        book: Book,
        undoing: Undoing,
        children: Children,
        cancels: CancelWatch,
        undo_on: Sequence[type[BaseException]],
    ) -> None:
        self._book = book
        self._undoing = undoing
        self._children = children
        self._cancels = cancels
        self._undo_on = tuple(undo_on)
        self.absorbed = False
        self.taken_up = False  # from a state, that of an earlier run
        self.carried = 0  # how many steps the last state held

    def absorb(self) -> None:
        """A cancellation came that must not interrupt; it is raised when the block ends."""
        self.absorbed = True

    def is_failure(self, err: BaseException) -> bool:
        """Whether it would fail or cancel the workflow; of an exception group, all of it."""
        kinds = (asyncio.CancelledError, *self._undo_on)
        return all(
            isinstance(leaf, kinds) or workflow.is_failure_exception(leaf)
            for leaf in rules.leaves(err)
        )

    async def end(self, err: BaseException | None) -> None:
        """Raises the saga's outcome, if it has one besides being left.

        A bug and an eviction are let through, and nothing is undone.
        """
        if err is None:
            await self._complete()
        elif isinstance(err, workflow.ContinueAsNewError):
            self._continue()
        elif self.is_failure(err):
            if self._book.pivot:
                await self._forward(err)
            else:
                await self._back(err)

    def assert_undone(self, steps: Sequence[Step], cause: BaseException | None) -> None:
        skipped = [step.id for step in steps if step.undo_status == "skipped"]
        if skipped:
            self._book.status = "compensation_failed"
            raise SagaCompensationFailed(
                f"undo skipped by an operator: {', '.join(skipped)}", self._book.report()
            ) from cause

    def raise_absorbed(self) -> None:
        if self.absorbed:
            self.absorbed = False
            raise asyncio.CancelledError

    async def _complete(self) -> None:
        self._children.keep()
        try:
            await self._settled()
        except SagaForwardFailed:
            self._book.status = "forward_failed"
            raise
        self._book.status = "completed"
        if self.absorbed:
            self._book.pivot = True  # the children had been told by then
        self.raise_absorbed()

    async def _back(self, err: BaseException) -> None:
        cause = rules.principal(err)
        # A request counts whatever arrived: a step that is being cancelled may fail otherwise.
        cancelled = self._cancels.requested() or self._cancellation(cause)
        self._book.cause = rules.in_words(cause)
        self._book.status = "compensating"
        cancelled |= await self._undoing.since()
        self._book.status = "compensated"
        await self._settled()
        cancelled |= self.absorbed
        self.assert_undone(self._book.steps, cause)
        if cancelled:
            # Not the ActivityError that carried it: `asyncio.timeout` knows only this one.
            raise asyncio.CancelledError from cause
        raise SagaCompensated(
            f"undone after {self._book.cause}",
            self._book.report(),
            # A retried run would take up the handed-over steps, which are now undone.
            non_retryable=rules.non_retryable(cause) or self.taken_up,
        ) from cause

    async def _forward(self, err: BaseException) -> None:
        cause = rules.principal(err)
        self._book.status = "forward_failed"
        self._book.cause = rules.in_words(cause)
        await self._settled()
        if self._cancellation(cause):
            raise asyncio.CancelledError from cause
        if isinstance(cause, SagaForwardFailed):
            raise cause
        raise SagaForwardFailed(
            f"failed after the pivot, nothing is undone: {self._book.cause}", self._book.report()
        ) from cause

    def _continue(self) -> None:
        self._children.assert_none_open("continue as new")
        self._book.status = "continued"
        plan = self._book.to_undo(self.carried)
        lost = [step.id for step in every_step(plan)]
        if lost:
            workflow.logger.warning(
                "Continue-as-new leaves the undo of %s behind: pass saga.state on, or leave the "
                "block first",
                ", ".join(lost),
            )

    async def _settled(self) -> None:
        """Children have heard that they are kept, and the letters are with the server."""
        failure: SagaForwardFailed | None = None
        try:
            await shielded(self._children.kept(), self.absorb)
        except SagaForwardFailed as err:
            failure = err
        await shielded(self._book.letters.sent(), self.absorb)
        if failure is not None:
            raise failure

    def _cancellation(self, cause: BaseException) -> bool:
        """Not every CancelledError is one: awaiting a task that the code cancelled is a failure."""
        return is_cancelled_exception(cause) and self._cancels.seen()
