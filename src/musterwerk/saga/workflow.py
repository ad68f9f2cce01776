"""`Saga`: steps that are undone in reverse order when the process cannot go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, TypeVar, TypeVarTuple, Unpack, overload

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from musterwerk.errors import SagaCompensationFailed, SagaDeadlineExceeded, SagaUsageError
from musterwerk.saga import branches, rules
from musterwerk.saga.attempts import Attempts
from musterwerk.saga.book import Book, Checkpoint, name_of
from musterwerk.saga.children import ChildOptions, Children, child_name, hold
from musterwerk.saga.deadline import DeadlineTimer, absolute
from musterwerk.saga.ending import Ending
from musterwerk.saga.execution import Execution
from musterwerk.saga.model import Branch, RunOptions, StepOptions, UndoRetry
from musterwerk.saga.post import Post
from musterwerk.saga.registering import register_child, register_step, register_undo
from musterwerk.saga.registry import Registry
from musterwerk.saga.resets import ResetWatch
from musterwerk.saga.running import Running
from musterwerk.saga.shield import CancelWatch, cancellations, shielded
from musterwerk.saga.undoing import Undoing

Ts = TypeVarTuple("Ts")
R = TypeVar("R")
R2 = TypeVar("R2")
R3 = TypeVar("R3")
R4 = TypeVar("R4")

# The step's arguments, then its result, or None where the outcome is unknown; as a function or
# as a method named by its class.
_Undo = Callable[[*Ts, R | None], Any] | Callable[[Any, *Ts, R | None], Any] | str
# The step's arguments; the answer is the step's result, or None (False) where nothing landed.
_Probe = Callable[[*Ts], Any] | Callable[[Any, *Ts], Any] | str
_Branch = Coroutine[Any, Any, R]


class Saga:
    """A sequence of steps of which each knows how it is undone.

        async with Saga() as saga:
            await saga.run(reserve, order, undo=release, start_to_close_timeout=minute)
            await saga.run(charge, order, undo=refund, start_to_close_timeout=minute)

    What would fail the workflow undoes every step, last first, and ends the block with
    `SagaCompensated` (or the cancellation). What would fail only the workflow task, that is a
    bug in the code, undoes nothing: the workflow waits for a fix, as Temporal workflows do.

    `name` tells two sagas of one workflow apart and is part of the idempotency keys.
    `undo_on` declares further exception types as failures. `parallel_undo` undoes all steps side
    by side. `deadline`, from now or as an aware datetime, is when a saga that has neither ended
    nor passed its pivot is cancelled and undone, as SagaCompensated from SagaDeadlineExceeded.
    `dead_letters_to` is the task queue of a worker that keeps and announces dead letters;
    Musterwerk's own is `musterwerk.saga.TASK_QUEUE`. `state` is the `state` of a saga in the run
    before a continue-as-new.
    """

    def __init__(
        self,
        name: str = "saga",
        *,
        undo_on: Collection[type[BaseException]] = (),
        undo_retry: UndoRetry | None = None,
        parallel_undo: bool = False,
        deadline: timedelta | datetime | None = None,
        dead_letters_to: str | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        if not name or "/" in name:
            raise SagaUsageError(f"a saga's name is not empty and has no slash; this is {name!r}")
        self._book = book = Book(name, workflow.info().original_execution_run_id)
        self._deadline = deadline
        self._timer = DeadlineTimer()
        self._resets = ResetWatch(book)
        if state is not None:
            book.load(state)
            self._resets.pending = state["unconfirmed"]
        if dead_letters_to is not None:
            book.letters.post = Post(name, dead_letters_to)
        self._retry = undo_retry or UndoRetry()
        self._running = Running()
        self._given_up: set[tuple[Branch, int]] = set()  # groups that a failure has ended
        self._execution = Execution(book, self._retry)
        self._attempts = Attempts(self._execution, self._running)
        registry = Registry.current()
        self._children = Children(book, registry, self._running, self._retry)
        self._undoing = Undoing(
            book, self._execution, self._children, self._running, parallel=parallel_undo
        )
        self._cancels = CancelWatch()
        self._ending = Ending(book, self._undoing, self._children, self._cancels, tuple(undo_on))
        self._ending.taken_up = state is not None
        registry.add(book)

    # A step that is an async function, a function, an async method, a method; and by name.
    @overload
    async def run(
        self,
        activity: Callable[[*Ts], Awaitable[R]],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        probe: _Probe[*Ts] | None = None,
        **options: Unpack[RunOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: Callable[[*Ts], R],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        probe: _Probe[*Ts] | None = None,
        **options: Unpack[RunOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: Callable[[Any, *Ts], Awaitable[R]],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        probe: _Probe[*Ts] | None = None,
        **options: Unpack[RunOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: Callable[[Any, *Ts], R],
        *args: *Ts,
        undo: _Undo[*Ts, R] | None = None,
        probe: _Probe[*Ts] | None = None,
        **options: Unpack[RunOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: str,
        *args: Any,
        result_type: type[R],
        undo: Callable[..., Any] | str | None = None,
        probe: Callable[..., Any] | str | None = None,
        **options: Unpack[RunOptions],
    ) -> R: ...
    @overload
    async def run(
        self,
        activity: str,
        *args: Any,
        undo: Callable[..., Any] | str | None = None,
        probe: Callable[..., Any] | str | None = None,
        **options: Unpack[RunOptions],
    ) -> Any: ...
    async def run(
        self,
        activity: Callable[..., Any] | str,
        *args: Any,
        result_type: type[Any] | None = None,
        undo: Callable[..., Any] | str | None = None,
        probe: Callable[..., Any] | str | None = None,
        **options: Unpack[RunOptions],
    ) -> Any:
        """Run a step. Its undo is registered first, so no moment exists in which it is lost.

        The undo is called with the step's arguments followed by its result, or None where the
        outcome is unknown (a timeout, a failure, a cancellation). It inherits the step's task
        queue and timeouts; `undo_options` says otherwise.

        `on_unknown` decides about a lost outcome: "compensate" fails the step; "probe" asks the
        activity `probe`, which is called with the step's arguments and answers with its result,
        or with None (or False) if the effect did not land, which fails the step; "retry" goes
        on under the same key, at last slowly and with a dead letter; "escalate" asks an operator
        by a dead letter. A cancellation ends the question and undoes.

        After `pivot()` the step is retried until it succeeds; see there.

        Raises what the activity raises, StepSkipped after the pivot, and SagaUsageError for
        what cannot work, such as an undo of the wrong arity.
        """
        await self._ready(f"run {name_of(activity)}")
        step = register_step(self._book, self._retry, activity, args, undo, probe, options)
        step.result_type = result_type
        cancelled_before = cancellations()
        with self._running.awaited(step.id):
            if self._book.pivot:
                step.result = await shielded(self._execution.forward(step), self._ending.absorb)
            else:
                step.result = await self._attempts.run(step)
            step.status = "done"
        if not self._book.pivot and cancellations() > cancelled_before:
            # A step that could not be stopped swallows the cancellation; it still counts.
            raise asyncio.CancelledError
        self._raise_cancellation()
        return step.result

    @overload
    async def run_child(
        self,
        workflow: Callable[[Any, *Ts], Awaitable[R]],
        *args: *Ts,
        **options: Unpack[ChildOptions],
    ) -> R: ...
    @overload
    async def run_child(
        self, workflow: str, *args: Any, result_type: type[R], **options: Unpack[ChildOptions]
    ) -> R: ...
    async def run_child(
        self,
        workflow: Callable[..., Any] | str,
        *args: Any,
        result_type: type[Any] | None = None,
        **options: Unpack[ChildOptions],
    ) -> Any:
        """Run a child workflow whose own saga undoes it, should this saga be undone.

        Returns what the child offers with `hold`. The child stays open until this saga ends or
        passes its pivot, and is waited for then.

        Raises the child's failure; what a failed child had done it has undone itself.
        """
        await self._ready(f"run {child_name(workflow)}")
        step = register_child(self._book, workflow, args, result_type)
        cancelled_before = cancellations()
        with self._running.awaited(step.id):
            step.result = await self._children.run(step, options)
            step.status = "done"
        if cancellations() > cancelled_before:
            raise asyncio.CancelledError
        self._raise_cancellation()
        return step.result

    async def hold(self, result: R) -> R:
        """As a child: offer the result to the parent's saga, and wait until it has decided.

        Returns the result once the parent keeps it; after that nothing here is undone any more.
        Raises CancelledError, which undoes everything, if the parent is undone or gone. At once
        returns the result in a workflow that no saga has run with `run_child`.
        """
        await self._ready("hold the result")
        self._assert_nothing_runs("hold the result")
        if self._book.pivot:
            raise SagaUsageError("after its pivot a saga cannot be undone, so hold comes first")
        self._timer.stop()  # from here on the parent's deadline counts
        if await hold(self._book, result):
            self._ending.absorb()
        return result

    @overload
    async def gather(self, one: _Branch[R], two: _Branch[R2], /) -> tuple[R, R2]: ...
    @overload
    async def gather(
        self, one: _Branch[R], two: _Branch[R2], three: _Branch[R3], /
    ) -> tuple[R, R2, R3]: ...
    @overload
    async def gather(
        self, one: _Branch[R], two: _Branch[R2], three: _Branch[R3], four: _Branch[R4], /
    ) -> tuple[R, R2, R3, R4]: ...
    @overload
    async def gather(self, *branches: _Branch[R]) -> tuple[R, ...]: ...
    async def gather(self, *branches_: _Branch[Any]) -> tuple[Any, ...]:
        """Run branches side by side: coroutines that run steps of this saga.

        All of them have ended before this returns or raises, so before anything is undone. The
        first failure cancels the others, and is what is raised; after the pivot they all go on
        to their end first. Branches are undone side by side, the steps of each in reverse.
        Within a branch, `compensate` and `compensate_to` undo steps of that branch only.
        """
        try:
            await self._ready("gather")
        except BaseException:
            for branch in branches_:
                branch.close()
            raise
        branch = branches.current_branch()
        group = self._book.next_group(branch)
        together = partial(branches.gather, group, branches_, is_failure=self._ending.is_failure)
        if self._book.pivot:
            return await shielded(together(give_up=None), self._ending.absorb)
        return await together(give_up=lambda: self._given_up.add((branch, group)))

    def add_compensation(
        self, activity: Callable[..., Any] | str, *args: Any, **options: Unpack[StepOptions]
    ) -> None:
        """Register an undo without a step, called with exactly these arguments.

        For effects that were not made by `run`. Register it before the effect, and write it so
        that it may find nothing to undo.
        """
        self._book.assert_open(f"add the compensation {name_of(activity)}")
        register_undo(self._book, self._retry, activity, args, options)

    def checkpoint(self, name: str) -> None:
        """Mark this point, for `compensate_to(name)`."""
        self._book.assert_open(f"set checkpoint {name!r}")
        self._book.mark(name, branches.current_branch())

    def pivot(self) -> None:
        """From here there is no way back: nothing registered so far will be undone.

        Steps after it take any number of attempts, a non-retryable failure becomes a dead
        letter that an operator settles. A cancellation lets steps finish, also those that
        follow, and is raised when the block ends; in a wait of the block's own it arrives at
        once, as anywhere. Any other failure of the block ends as SagaForwardFailed.
        """
        self._book.assert_open("pass the pivot")
        if branches.current_branch():
            raise SagaUsageError("a branch cannot pass the pivot for all; do it after gather")
        self._assert_nothing_runs("pass the pivot")
        self._raise_cancellation()
        self._children.assert_held()
        self._timer.stop()
        self._book.pivot, self._book.status = True, "forward"
        if not self._resets.pending:
            self._children.keep()

    @property
    def pivoted(self) -> bool:
        """Whether the pivot was passed: the process counts as done, whatever else happens.

        Also where there is none, and a cancellation came when children were told to keep what they
        did.
        """
        return self._book.pivot

    async def compensate(self) -> None:
        """Undo every step now, last first; the block may go on with new steps.

        Raises SagaCompensationFailed where an operator skipped an undo, and then the
        cancellation that came meanwhile, if one did.
        """
        await self._go_back(None)

    async def compensate_to(self, checkpoint: str) -> None:
        """Undo the steps registered after the checkpoint; what came before it stays.

        Raises as `compensate` does.
        """
        await self._go_back(self._book.find(checkpoint, branches.current_branch()))

    @property
    def state(self) -> dict[str, Any]:
        """The saga as plain JSON, to pass on in the arguments of a continue-as-new.

        `Saga(state=...)` in the next run takes it up: what was registered keeps its place, its
        undo and its keys.
        """
        self._ending.carried = len(self._book.steps)
        return self._book.dump() | {"unconfirmed": self._resets.pending}

    def report(self) -> dict[str, Any]:
        """Plain JSON for people and tools: every step, its undo, and the dead letters."""
        return self._book.report()

    async def __aenter__(self) -> Saga:
        self._cancels.begin()
        if self._book.deadline is None:
            self._book.deadline = absolute(self._deadline)
        if not self._book.pivot:
            await self._timer.start(self._book.deadline)
        return self

    # Typed None: `bool` would make type checkers think that the block may be left silently.
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(err, GeneratorExit):
            return  # the worker has stopped and forgets the workflow: there is no loop any more
        await self._timer.close(kind, err, trace)
        if self._book.pivot and self._running and (err is None or self._ending.is_failure(err)):
            # Branches that the block no longer awaits still have to be done.
            await shielded(self._running.until_all_ended(), self._ending.absorb)
        await self._ending.end(await self._outcome(err))

    async def _outcome(self, err: BaseException | None) -> BaseException | None:
        """What the block ends with, where that is not just what came out of it."""
        cancelled = err is None or is_cancelled_exception(rules.principal(err))
        if (
            self._timer.over
            and cancelled
            and not self._book.pivot
            and not self._cancels.requested()
        ):
            return SagaDeadlineExceeded(f"not done by {self._book.deadline}")
        if err is None and not self._book.pivot and self._cancels.requested():
            # Somebody caught the cancellation inside the block; it still undoes everything.
            return asyncio.CancelledError()
        if isinstance(err, workflow.ContinueAsNewError):
            self._assert_nothing_runs("continue as new")
        if err is not None:
            return err
        self._assert_nothing_runs("leave the block")
        try:
            self._children.assert_held()
            await self._confirm()
        except BaseException as late:
            if not self._ending.is_failure(late):
                raise
            return late
        return None

    async def _ready(self, doing: str) -> None:
        """Before anything new is begun."""
        self._book.assert_open(doing)
        self._raise_cancellation()
        await self._confirm()

    async def _confirm(self) -> None:
        """After a reset: repeat what was done, under its keys, before anything is built on it.

        A service that has undone it since refuses its key; the refusal undoes the saga.
        """
        if not self._resets.pending:
            return
        async with self._resets.lock:
            if self._resets.pending:
                passed, self._book.pivot = self._book.pivot, False
                for step in self._book.confirmable():
                    await self._attempts.confirm(step)
                self._resets.pending, self._book.pivot = False, passed
                if passed:
                    self._children.keep()

    async def _go_back(self, checkpoint: Checkpoint | None) -> None:
        self._book.assert_open("compensate")
        if self._book.pivot:
            raise SagaUsageError("nothing is undone after the pivot; compensate before it")
        branch = branches.current_branch()
        start = 0 if checkpoint is None else self._book.checkpoints[checkpoint]
        steps = self._book.since(start, branch)
        if not branch:  # others go on meanwhile
            self._book.status = "compensating"
        with self._running.awaited("compensate"):
            absorbed = await self._undoing.since(start, branch)
        if not branch:
            self._book.status = "running"
        self._book.drop_checkpoints(checkpoint, branch)
        try:
            self._ending.assert_undone(steps, None)
        except SagaCompensationFailed:
            self._ending.absorbed |= absorbed
            raise
        if absorbed:
            raise asyncio.CancelledError

    def _assert_nothing_runs(self, doing: str) -> None:
        if self._running:
            raise SagaUsageError(
                f"cannot {doing} while {self._running.names()} runs: await every step "
                "first, or nobody knows what there is to undo"
            )

    def _raise_cancellation(self) -> None:
        """Also where the code has caught it and goes on."""
        branch = branches.current_branch()
        given_up = any(
            (branch[:depth], group) in self._given_up for depth, (group, _) in enumerate(branch)
        )
        over = self._cancels.requested() or self._timer.over or given_up
        if over and not self._book.pivot:
            raise asyncio.CancelledError
