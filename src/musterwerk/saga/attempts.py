"""Running a step before the pivot, and what a lost outcome means for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from musterwerk.saga import rules
from musterwerk.saga.book import result_type_of
from musterwerk.saga.deadletters import resolution
from musterwerk.saga.execution import Execution, typed_result
from musterwerk.saga.model import DeadLetter, Step
from musterwerk.saga.running import Running
from musterwerk.saga.shield import cancellations, ended
from musterwerk.shielding import spawn


class Attempts:
    """Runs steps so that `Running.stop` can end them, whatever they are waiting for."""

    def __init__(self, execution: Execution, running: Running) -> None:
        self._execution = execution
        self._letters = execution.book.letters
        self._running = running
        self._cancelled_before: dict[str, int] = {}

    async def run(self, step: Step) -> Any:
        self._cancelled_before[step.id] = cancellations()
        try:
            return await self._once(step, may_refuse=True)
        except ActivityError as err:
            if step.on_unknown == "compensate" or not rules.outcome_lost(err):
                raise
            return await self._find_out(step, err)
        finally:
            del self._cancelled_before[step.id]

    async def confirm(self, step: Step) -> None:
        """Run a step again that is done: its key makes it the same effect, or a refusal."""
        with self._running.awaited(step.id):
            try:
                await self._once(step, may_refuse=False)
            finally:
                step.status = "done"  # it was, whatever is learnt now

    async def _once(self, step: Step, *, may_refuse: bool) -> Any:
        """`may_refuse`: whether a refusal means that there was no effect, in no attempt so far."""
        handle = self._execution.start(step)
        try:
            with self._running.task(step, handle):
                await ended(handle)
            return handle.result()
        except BaseException as err:
            step.error = rules.in_words(err)
            step.status = "cancelled" if is_cancelled_exception(err) else "failed"
            if may_refuse and rules.refused(err, step.refusals):
                step.status, step.undo_status = "refused", "none"
            raise

    def _assert_wanted(self, step: Step, err: ActivityError) -> None:
        """A step that could not be stopped hides that it was to stop: nobody is asked then."""
        before = self._cancelled_before[step.id]
        if cancellations() > before or self._running.stopping(step):
            raise asyncio.CancelledError from err

    async def _find_out(self, step: Step, err: ActivityError) -> Any:
        ask: dict[str, Callable[[Step, ActivityError], Awaitable[Any]]] = {
            "probe": self._probe,
            "retry": self._retry,
            "escalate": self._escalate,
        }
        step.status = "unknown"
        try:
            self._assert_wanted(step, err)
            result = await ask[step.on_unknown](step, err)
        except BaseException as given_up:
            step.status = "cancelled" if is_cancelled_exception(given_up) else "failed"
            raise
        step.error = None
        return result

    async def _probe(self, step: Step, err: ActivityError) -> Any:
        """A probe without an answer leaves the outcome unknown, and the step has failed."""
        handle = self._execution.probe(step)
        try:
            with self._running.task(step, handle):
                await ended(handle)
            answer = handle.result()
        except ActivityError as silent:
            if is_cancelled_exception(silent):
                raise
            workflow.logger.warning("The probe of %s has no answer: %s", step.id, silent.cause)
            raise err from None
        if answer is None or answer is False:
            raise err
        # True is how a step that returns nothing is found to have landed.
        return None if answer is True and result_type_of(step.call) is type(None) else answer

    async def _retry(self, step: Step, err: ActivityError) -> Any:
        """More rounds under the same key; after the bounded ones somebody is told of it."""
        retry = self._execution.retry
        for _ in range(1, retry.rounds):
            await self._pause(step, workflow.sleep(retry.pause, summary=f"next try of {step.id}"))
            try:
                return await self._once(step, may_refuse=False)
            except ActivityError as again:
                if not rules.outcome_lost(again):
                    raise
                err = again
            self._assert_wanted(step, err)
            step.status = "unknown"
        return await self._with_operator(step, err, retry.rounds, rules.slow_pauses(retry))

    async def _escalate(self, step: Step, err: ActivityError) -> Any:
        """Somebody has to find out; until then the step is not run again."""
        return await self._with_operator(step, err, 1, None)

    async def _with_operator(
        self, step: Step, err: ActivityError, rounds: int, pauses: Iterator[timedelta] | None
    ) -> Any:
        letter = self._letters.open(
            step, "do", err, rounds, kind="unknown", retried=pauses is not None
        )
        try:
            return await self._until_known(step, err, letter, pauses)
        except BaseException as given_up:
            if not letter.settled and (
                isinstance(given_up, ActivityError) or is_cancelled_exception(given_up)
            ):
                self._letters.overtake(letter, "the step has failed or was cancelled")
            raise

    async def _until_known(
        self,
        step: Step,
        err: ActivityError,
        letter: DeadLetter,
        pauses: Iterator[timedelta] | None,
    ) -> Any:
        while True:
            step.status = "dead_letter"
            pause = None if pauses is None else next(pauses)
            asked = await self._pause(step, resolution(letter, pause))
            if asked is not None:
                self._letters.settle(letter, asked)
                if asked.action == "skip":
                    raise err  # as if it had failed: everything is undone, this step as well
                return typed_result(step, asked.result)
            try:
                result = await self._once(step, may_refuse=False)
            except ActivityError as again:
                if not rules.outcome_lost(again):
                    raise
                err = again
                self._assert_wanted(step, err)
                self._letters.add_round(letter, again)
            else:
                self._letters.settle(letter)
                return result

    async def _pause(self, step: Step, work: Coroutine[Any, Any, Any]) -> Any:
        """A wait that `Running.stop` can end."""
        task = spawn(work)
        with self._running.task(step, task):
            await ended(task)
        return task.result()
