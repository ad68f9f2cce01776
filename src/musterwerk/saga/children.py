"""Sagas inside sagas: a child workflow that stays undoable until its parent's saga has decided.

The child's saga offers its result (`Saga.hold`) and waits. The parent goes on with the result.
If the parent's saga succeeds or passes its pivot, the child is told to keep what it did; if it
has to undo, it cancels the child, and the child's own saga undoes its own steps. A parent that
ends in any other way cancels its children, too (their parent-close policy).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypedDict, get_type_hints

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy
from temporalio.exceptions import (
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    is_cancelled_exception,
)

from musterwerk.errors import SagaForwardFailed, SagaUsageError
from musterwerk.saga import rules, state
from musterwerk.saga.book import Book
from musterwerk.saga.deadletters import resolution
from musterwerk.saga.model import Step, UndoRetry
from musterwerk.saga.registry import HELD, Registry
from musterwerk.saga.running import Running
from musterwerk.saga.shield import ended, uncancellable

#: In the memo of a child: which parent waits for its result, and under which token.
MEMO = "musterwerk.saga.parent"
KEEP = "saga_keep"


class ChildOptions(TypedDict, total=False):
    """How a child workflow is run, with Temporal's names and meanings.

    Its parent-close policy is REQUEST_CANCEL: a child whose parent is gone undoes itself. Without
    an `id` it gets one made of the parent's id and the step.
    """

    id: str
    task_queue: str | None
    execution_timeout: timedelta | None
    run_timeout: timedelta | None
    task_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    static_summary: str | None
    static_details: str | None
    priority: Priority


@dataclass
class Child:
    token: str
    handle: workflow.ChildWorkflowHandle[Any, Any]
    kept: bool = False


class Children:
    """The child workflows of one saga."""

    def __init__(self, book: Book, registry: Registry, running: Running, retry: UndoRetry) -> None:
        self._book = book
        self._registry = registry
        self._running = running
        self._retry = retry
        self._by_step: dict[str, Child] = {}
        self._keeping: asyncio.Task[None] | None = None

    async def run(self, step: Step, options: ChildOptions) -> Any:
        """Start the child, and return what it offers; it stays open."""
        child = await self._start(step, options)
        waiting = asyncio.create_task(
            workflow.wait_condition(lambda: self._offers(child) or child.handle.done())
        )
        with self._running.task(step, waiting):
            await ended(waiting)
        if waiting.cancelled():
            step.status = "cancelled"
            raise asyncio.CancelledError
        if not self._offers(child):
            self._ended_without_offer(step, child)
        offer = state.load_value(self._registry.offers[child.token])
        hint: Any = step.result_type
        return workflow.payload_converter().from_payload(offer.payload, hint)

    async def undo(self, step: Step) -> Coroutine[Any, Any, None] | None:
        """Cancel the child and wait for it; what is returned is still to be awaited after that.

        A child has its own rounds and dead letters, which may take days: others are not kept
        from their undo by it.
        """
        step.undo_status = "running"
        child = self._by_step.get(step.id)
        if child is None:
            err = ApplicationError("it ended in an earlier run, and cannot be asked any more")
            return self._with_operator(step, err)
        if not child.handle.done():
            await self._cancel(child)
        patience = self._retry.pause * self._retry.rounds
        await workflow.wait([child.handle], timeout=patience.total_seconds())
        return self._verdict(step, child) if child.handle.done() else self._later(step, child)

    def assert_held(self) -> None:
        """Raise the failure of a child that ended while it was to wait for us."""
        for child in self._by_step.values():
            if self._offers(child) and not child.kept and child.handle.done():
                child.handle.result()

    def keep(self) -> None:
        """Tell all children that what they did stays; `kept` waits for it."""
        children = [c for c in self._by_step.values() if self._offers(c) and not c.kept]
        for child in children:
            child.kept = True
        if children:
            self._keeping = asyncio.create_task(self._keep(children))

    async def kept(self) -> None:
        """Wait until they have ended. Raises SagaForwardFailed where one failed after all."""
        if self._keeping is None:
            return
        try:
            await self._keeping
        except FailureError as err:
            raise SagaForwardFailed(
                f"a child failed after its parent had kept it: {rules.in_words(err)}",
                self._book.report(),
            ) from err

    def assert_none_open(self, doing: str) -> None:
        still = [step for step, child in self._by_step.items() if not child.handle.done()]
        if still:
            raise SagaUsageError(
                f"cannot {doing} while the child of {', '.join(still)} is open: it would be "
                "cancelled. Leave the block first"
            )

    async def _start(self, step: Step, options: ChildOptions) -> Child:
        info = workflow.info()
        token = f"{self._book.anchor}/{self._book.name}/{step.id}"
        given: Any = {"id": f"{info.workflow_id}/{self._book.name}/{step.id}", **options}
        start = workflow.start_child_workflow(
            step.activity,
            args=step.args,
            result_type=step.result_type,
            memo={MEMO: {"workflow_id": info.workflow_id, "token": token}},
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            **given,
        )
        self._registry.accept_offers()
        try:
            handle, absorbed = await uncancellable(start)
        except FailureError as err:
            # It never began, or what has this id is somebody else's: there is nothing to undo.
            step.status, step.error, step.undo_status = "failed", rules.in_words(err), "none"
            raise
        child = self._by_step[step.id] = Child(token, handle)
        if absorbed:
            step.status = "cancelled"
            raise asyncio.CancelledError
        return child

    def _offers(self, child: Child) -> bool:
        return child.token in self._registry.offers

    def _ended_without_offer(self, step: Step, child: Child) -> None:
        """Raises the child's failure, or says that a child must not end by itself."""
        try:
            child.handle.result()
        except ChildWorkflowError as err:
            step.status, step.error = "failed", rules.in_words(err)
            if _undid_itself(err):
                step.undo_status = "none"
            elif _skipped(err):
                step.undo_status = "skipped"
            raise
        raise SagaUsageError(
            f"the child {step.activity} has completed without saga.hold(result), so it can no "
            "longer undo itself. Let its saga hold the result, or run it with "
            "workflow.execute_child_workflow and register its undo with add_compensation"
        )

    async def _keep(self, children: list[Child]) -> None:
        """Each hears of it, whatever has become of the others."""
        failures: list[FailureError] = []
        for child in children:
            try:
                await workflow.get_external_workflow_handle(child.handle.id).signal(KEEP)
            except FailureError as err:
                failures.append(err)
        for child in children:
            try:
                await child.handle
            except FailureError as err:
                failures.append(err)
        if failures:
            raise failures[-1]

    async def _cancel(self, child: Child) -> None:
        """By its id alone: it may have continued as new, and the handle knows the first run."""
        try:
            await workflow.get_external_workflow_handle(child.handle.id).cancel()
        except FailureError as err:
            workflow.logger.info("The child %s ends by itself: %s", child.handle.id, err)

    async def _later(self, step: Step, child: Child) -> None:
        await workflow.wait([child.handle])
        rest = self._verdict(step, child)
        if rest is not None:
            await rest

    def _verdict(self, step: Step, child: Child) -> Coroutine[Any, Any, None] | None:
        """Of a child that has ended: undone, skipped, or something for an operator."""
        err = child.handle.exception()
        if err is not None and _undid_itself(err):
            step.undo_status = "done"
            return None
        if err is not None and _skipped(err):
            step.undo_status = "skipped"
            return None
        return self._with_operator(step, err or ApplicationError("completed, and stands"))

    async def _with_operator(self, step: Step, err: BaseException) -> None:
        step.undo_status, step.undo_error = "dead_letter", rules.in_words(err)
        letter = self._book.letters.open(
            step, "undo", err, 1, actions=("done", "skip"), retried=False
        )
        asked = None
        while asked is None:  # there is nothing to try again: the child has ended
            asked = await resolution(letter, None)
        step.undo_status = "skipped" if asked.action == "skip" else "resolved"
        self._book.letters.settle(letter, asked)


async def hold(book: Book, result: Any) -> bool:
    """The child's side: offer the result, and wait to be kept or cancelled.

    Says whether it was both at once: then it is kept, and the cancellation comes too late.
    """
    parent = workflow.memo_value(MEMO, None)
    if parent is None:
        return False
    handlers: Any = workflow  # the SDK types handlers as bare Callable
    if handlers.get_signal_handler(KEEP) is not None:
        raise SagaUsageError("a child holds once: its parent waits for one result")

    def keep() -> None:
        book.pivot, book.status = True, "forward"

    book.status = "holding"
    handlers.set_signal_handler(KEEP, keep)
    offer = {"token": parent["token"], "result": state.dump_value(result)}
    parent_saga = workflow.get_external_workflow_handle(parent["workflow_id"])
    try:
        # The SDK waits on for a signal that has left, and forgets the cancellation meanwhile.
        _, absorbed = await uncancellable(parent_saga.signal(HELD, offer))
        if absorbed:
            raise asyncio.CancelledError
        await workflow.wait_condition(lambda: book.pivot)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not book.pivot or task is None:
            raise
        task.uncancel()
        return True
    return False


def child_name(run: Callable[..., Any] | str) -> str:
    """The type of the workflow whose run method this is."""
    if isinstance(run, str):
        return run
    definition: Any = getattr(workflow, "_Definition")  # noqa: B009 - Temporal has no public way
    return definition.must_from_run_fn(run).name


def child_result(run: Callable[..., Any] | str) -> Any:
    return None if isinstance(run, str) else get_type_hints(run).get("return")


def _undid_itself(err: BaseException) -> bool:
    """Whether nothing of the child stands: its saga is undone, or it failed outside of one."""
    cause = err.cause if isinstance(err, ChildWorkflowError) else err
    if isinstance(cause, ApplicationError):
        return cause.type not in ("SagaCompensationFailed", "SagaForwardFailed")
    return cause is not None and is_cancelled_exception(cause)


def _skipped(err: BaseException) -> bool:
    cause = err.cause if isinstance(err, ChildWorkflowError) else err
    return isinstance(cause, ApplicationError) and cause.type == "SagaCompensationFailed"
