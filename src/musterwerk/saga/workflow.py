"""`Saga`: steps that are undone in reverse order when the process cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from types import TracebackType
from typing import Any, TypeVar, TypeVarTuple, Unpack, overload

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from musterwerk.errors import (
    SagaCompensated,
    SagaCompensationFailed,
    SagaForwardFailed,
    SagaUsageError,
)
from musterwerk.saga import rules
from musterwerk.saga.book import Book, name_of
from musterwerk.saga.execution import Execution
from musterwerk.saga.model import Step, StepOptions, UndoRetry
from musterwerk.saga.registry import Registry
from musterwerk.saga.shield import CancelWatch, cancellations, ended, uncancellable

Ts = TypeVarTuple("Ts")
R = TypeVar("R")

# The step's arguments, then its result, or None where the outcome is unknown; as a function or
# as a method named by its class.
_Undo = Callable[[*Ts, R | None], Any] | Callable[[Any, *Ts, R | None], Any]


class Saga:
    """A sequence of steps of which each knows how it is undone.

        async with Saga() as saga:
            await saga.run(reserve, order, undo=release, start_to_close_timeout=minute)
            await saga.run(charge, order, undo=refund, start_to_close_timeout=minute)

    What would fail the workflow undoes every step, last first, and ends the block with
    `SagaCompensated` (or the cancellation). What would fail only the workflow task, that is a
    bug in the code, undoes nothing: the workflow waits for a fix, as Temporal workflows do.

    `name` tells two sagas of one workflow apart and is part of the idempotency keys.
    `undo_on` declares further exception types as failures. `state` is the `state` of a saga
    in the run before a continue-as-new.
    """

    def __init__(
        self,
        name: str = "saga",
        *,
        undo_on: Collection[type[BaseException]] = (),
        undo_retry: UndoRetry | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        if not name or "/" in name:
            raise SagaUsageError(f"a saga's name is not empty and has no slash; this is {name!r}")
        self._book = Book(name, workflow.info().original_execution_run_id)
        if state is not None:
            self._book.load(state)
        self._undo_on = tuple(undo_on)
        self._retry = undo_retry or UndoRetry()
        self._execution = Execution(self._book, self._retry)
        self._running: dict[str, workflow.ActivityHandle[Any]] = {}
        self._cancels = CancelWatch()
        self._open: set[str] = set()  # the steps that somebody awaits in run()
        self._absorbed = False
        self._carried = 0  # how many steps the last `state` held
        self._taken_up = state is not None
        Registry.current().add(self._book)

    # A step that is an async function, a function, an async method, a method.
    @overload
    async def run(
        self,
        activity: Callable[[*Ts], Awaitable[R]],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        refusals: Collection[str] = (),
        undo_options: StepOptions | None = None,
        **options: Unpack[StepOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: Callable[[*Ts], R],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        refusals: Collection[str] = (),
        undo_options: StepOptions | None = None,
        **options: Unpack[StepOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: Callable[[Any, *Ts], Awaitable[R]],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        refusals: Collection[str] = (),
        undo_options: StepOptions | None = None,
        **options: Unpack[StepOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: Callable[[Any, *Ts], R],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        refusals: Collection[str] = (),
        undo_options: StepOptions | None = None,
        **options: Unpack[StepOptions],
    ) -> R: ...
    async def run(
        self,
        activity: Callable[..., Any],
        *args: Any,
        undo: Callable[..., Any] | None = None,
        refusals: Collection[str] = (),
        undo_options: StepOptions | None = None,
        **options: Unpack[StepOptions],
    ) -> Any:
        """Run a step. Its undo is registered first, so no moment exists in which it is lost.

        The undo is called with the step's arguments followed by its result, or None where the
        outcome is unknown (a timeout, a failure, a cancellation). It inherits the step's task
        queue and timeouts; `undo_options` says otherwise. `refusals` names the types of
        non-retryable failures that come before any effect: after one of these the step has no
        undo. Declare only what the service guarantees for every attempt.

        After `pivot()` the step is retried until it succeeds; see there.

        Raises what the activity raises, StepSkipped after the pivot, and SagaUsageError for an
        undo of the wrong arity.
        """
        self._book.assert_open(f"run {name_of(activity)}")
        self._raise_cancellation()
        cancelled_before = cancellations()
        step = self._register(activity, list(args), undo, tuple(refusals), undo_options, options)
        self._open.add(step.id)
        try:
            if self._book.pivot:
                step.result, absorbed = await uncancellable(self._execution.forward(step))
                self._absorbed |= absorbed
            else:
                step.result = await self._attempt(step)
            step.status = "done"
        finally:
            self._open.discard(step.id)
        if not self._book.pivot and cancellations() > cancelled_before:
            # A step that could not be stopped swallows the cancellation; it still counts.
            raise asyncio.CancelledError
        self._raise_cancellation()
        return step.result

    def checkpoint(self, name: str) -> None:
        """Mark this point, for `compensate_to(name)`."""
        self._book.assert_open(f"set checkpoint {name!r}")
        self._book.mark(name)

    def pivot(self) -> None:
        """From here there is no way back: nothing registered so far will be undone.

        Steps after it take any number of attempts, a non-retryable failure becomes a dead
        letter that an operator settles. A cancellation lets steps finish, also those that
        follow, and is raised when the block ends; in a wait of the block's own it arrives at
        once, as anywhere. Any other failure of the block ends as SagaForwardFailed.
        """
        self._book.assert_open("pass the pivot")
        self._assert_nothing_runs("pass the pivot")
        self._raise_cancellation()
        self._book.pivot, self._book.status = True, "forward"

    @property
    def pivoted(self) -> bool:
        """Whether the pivot was passed: the process counts as done, whatever else happens."""
        return self._book.pivot

    async def compensate(self) -> None:
        """Undo every step now, last first; the block may go on with new steps.

        Raises SagaCompensationFailed where an operator skipped an undo, and then the
        cancellation that came meanwhile, if one did.
        """
        await self._go_back(0, None)

    async def compensate_to(self, checkpoint: str) -> None:
        """Undo the steps registered after the checkpoint; what came before it stays.

        Raises as `compensate` does.
        """
        await self._go_back(self._book.since(checkpoint), checkpoint)

    @property
    def state(self) -> dict[str, Any]:
        """The saga as plain JSON, to pass on in the arguments of a continue-as-new.

        `Saga(state=...)` in the next run takes it up: what was registered keeps its place, its
        undo and its keys.
        """
        self._carried = len(self._book.steps)
        return self._book.dump()

    def report(self) -> dict[str, Any]:
        """Plain JSON for people and tools: every step, its undo, and the dead letters."""
        return self._book.report()

    async def __aenter__(self) -> Saga:
        self._cancels.begin()
        return self

    # Typed None: `bool` would make type checkers think that the block may be left silently.
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._book.pivot and self._open and (err is None or self._failure(err)):
            # Branches that the block no longer awaits still have to be done.
            _, absorbed = await uncancellable(self._until_ended(self._open))
            self._absorbed |= absorbed
        if err is None and not self._book.pivot and self._cancels.requested():
            # Somebody caught the cancellation inside the block; it still undoes everything.
            err = asyncio.CancelledError()
        if err is None:
            self._complete()
        elif isinstance(err, workflow.ContinueAsNewError):
            self._continue()
        elif self._failure(err):
            if self._book.pivot:
                self._end_forward(err)
            else:
                await self._end_back(err)
        # Anything else is a bug or an eviction: it passes through, and nothing is undone.

    def _register(
        self,
        activity: Callable[..., Any],
        args: list[Any],
        undo: Callable[..., Any] | None,
        refusals: tuple[str, ...],
        undo_options: StepOptions | None,
        options: StepOptions,
    ) -> Step:
        own: StepOptions = {}
        if undo is not None:
            if self._book.pivot:
                raise SagaUsageError(
                    f"{name_of(activity)} runs after the pivot, so its undo {name_of(undo)} "
                    "would never be called; leave it out, or move the step before pivot()"
                )
            rules.check_arity(undo, len(args))
            own = rules.undo_options(options, undo_options, self._retry)
        return self._book.add(
            Step(
                activity=name_of(activity),
                call=activity,
                args=args,
                options=options,
                undo=undo,
                undo_name=None if undo is None else name_of(undo),
                undo_options=own,
                refusals=refusals,
                undo_status="none" if undo is None else "registered",
            )
        )

    async def _attempt(self, step: Step) -> Any:
        handle = self._execution.start(step)
        self._running[step.id] = handle
        try:
            await ended(handle)
            return handle.result()
        except BaseException as err:
            step.error = rules.in_words(err)
            step.status = "cancelled" if is_cancelled_exception(err) else "failed"
            if rules.refused(err, step.refusals):
                step.status, step.undo_status = "refused", "none"
            raise
        finally:
            del self._running[step.id]

    async def _go_back(self, start: int, checkpoint: str | None) -> None:
        self._book.assert_open("compensate")
        if self._book.pivot:
            raise SagaUsageError("nothing is undone after the pivot; compensate before it")
        self._book.status = "compensating"
        steps = self._book.steps[start:]
        self._absorbed |= await self._undo_all(start)
        self._book.status = "running"
        self._book.drop_checkpoints(checkpoint)
        self._assert_undone(steps, None)
        self._raise_absorbed()

    async def _undo_all(self, start: int) -> bool:
        """Undo in reverse; whether a cancellation was absorbed meanwhile."""
        _, absorbed = await uncancellable(self._undo_from(start))
        return absorbed

    async def _undo_from(self, start: int) -> None:
        await self._stop({step.id for step in self._book.steps[start:]})
        slow: list[asyncio.Task[None]] = []
        for step in self._book.to_undo(start):
            letter = await self._execution.undo(step)
            if letter is not None:
                # One that cannot be undone does not keep the others from it.
                slow.append(asyncio.create_task(self._execution.undo_slowly(step, letter)))
        for task in slow:
            await task

    async def _stop(self, steps: set[str]) -> None:
        """Cancel those that still run, and wait: only then may anything be undone."""
        for identity in steps & self._running.keys():
            self._running[identity].cancel()
        await self._until_ended(steps)

    async def _until_ended(self, steps: set[str]) -> None:
        await workflow.wait_condition(lambda: not steps & self._open)

    async def _end_back(self, err: BaseException) -> None:
        cause = rules.principal(err)
        # A request counts whatever arrived: a step that is being cancelled may fail otherwise.
        cancelled = self._cancels.requested() or self._cancellation(cause)
        self._book.cause = rules.in_words(cause)
        self._book.status = "compensating"
        cancelled |= await self._undo_all(0) or self._absorbed
        self._book.status = "compensated"
        self._assert_undone(self._book.steps, cause)
        if cancelled:
            # Not the ActivityError that carried it: `asyncio.timeout` knows only this one.
            raise asyncio.CancelledError from cause
        raise SagaCompensated(
            f"undone after {self._book.cause}",
            self.report(),
            # A retried run would take up the handed-over steps, which are now undone.
            non_retryable=rules.non_retryable(cause) or self._taken_up,
        ) from cause

    def _end_forward(self, err: BaseException) -> None:
        cause = rules.principal(err)
        self._book.status = "forward_failed"
        self._book.cause = rules.in_words(cause)
        if self._cancellation(cause):
            raise asyncio.CancelledError from cause
        raise SagaForwardFailed(
            f"failed after the pivot, nothing is undone: {self._book.cause}", self.report()
        ) from cause

    def _assert_undone(self, steps: list[Step], err: BaseException | None) -> None:
        skipped = [step.id for step in steps if step.undo_status == "skipped"]
        if skipped:
            self._book.status = "compensation_failed"
            raise SagaCompensationFailed(
                f"undo skipped by an operator: {', '.join(skipped)}", self.report()
            ) from err

    def _assert_nothing_runs(self, doing: str) -> None:
        if self._open:
            raise SagaUsageError(
                f"cannot {doing} while {', '.join(sorted(self._open))} runs: await every step "
                "first, or nobody knows what there is to undo"
            )

    def _complete(self) -> None:
        self._assert_nothing_runs("leave the block")
        self._book.status = "completed"
        self._raise_absorbed()

    def _continue(self) -> None:
        self._assert_nothing_runs("continue as new")
        self._book.status = "continued"
        lost = [] if self._book.pivot else [step.id for step in self._book.to_undo(self._carried)]
        if lost:
            workflow.logger.warning(
                "Continue-as-new leaves the undo of %s behind: pass saga.state on, or leave the "
                "block first",
                ", ".join(lost),
            )

    def _raise_absorbed(self) -> None:
        if self._absorbed:
            self._absorbed = False
            raise asyncio.CancelledError

    def _raise_cancellation(self) -> None:
        if not self._book.pivot and self._cancels.requested():
            raise asyncio.CancelledError

    def _cancellation(self, cause: BaseException) -> bool:
        """Not every CancelledError is one: awaiting a task that the code cancelled is a failure."""
        return is_cancelled_exception(cause) and self._cancels.seen()

    def _failure(self, err: BaseException) -> bool:
        """Whether it would fail or cancel the workflow; of an exception group, all of it."""
        kinds = (asyncio.CancelledError, *self._undo_on)
        return all(
            isinstance(leaf, kinds) or workflow.is_failure_exception(leaf)
            for leaf in rules.leaves(err)
        )
