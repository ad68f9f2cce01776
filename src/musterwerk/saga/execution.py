"""The activities of a step: to do it, to do it whatever it takes, to ask after it, to undo it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

from musterwerk.errors import StepSkipped
from musterwerk.saga import rules
from musterwerk.saga.book import Book, result_type_of
from musterwerk.saga.deadletters import resolution
from musterwerk.saga.model import DeadLetter, Direction, Step, StepOptions, UndoRetry
from musterwerk.saga.shield import ended
from musterwerk.shielding import spawn


class Execution:
    """Starts a saga's activities under their explicit ids."""

    def __init__(self, book: Book, retry: UndoRetry) -> None:
        self.book = book
        self.retry = retry

    def start(self, step: Step) -> asyncio.Task[Any]:
        return self._start(step, "do", step.call, step.args, step.options)

    def probe(self, step: Step) -> asyncio.Task[Any]:
        options = rules.undo_options(step.options, None, self.retry)
        return self._start(step, "probe", step.probe, step.args, options)

    async def forward(self, step: Step) -> Any:
        """After the pivot: until it is done, or an operator says otherwise."""
        letters = self.book.letters
        letter: DeadLetter | None = None
        pauses = rules.slow_pauses(self.retry)
        while True:
            try:
                result = await self._start(
                    step, "do", step.call, step.args, rules.forward_options(step.options)
                )
            except ActivityError as err:
                if letter is None:
                    letter = letters.open(step, "do", err, 1)
                else:
                    letters.add_round(letter, err)
                step.status, step.error = "dead_letter", letter.error
            else:
                if letter is not None:
                    letters.settle(letter)
                return result
            asked = await resolution(letter, next(pauses))
            if asked is None:
                continue
            letters.settle(letter, asked)
            if asked.action == "skip":
                step.status = "skipped"
                raise StepSkipped(f"{step.id} was skipped by {asked.by}: {asked.reason}")
            return typed_result(step, asked.result)

    async def undo(self, step: Step) -> Coroutine[Any, Any, None] | None:
        """The bounded rounds. Where they do not suffice, the slow ones are returned."""
        step.undo_status = "running"
        for round_ in range(1, self.retry.rounds + 1):
            try:
                await self._undo_once(step)
            except ActivityError as err:
                step.undo_error = rules.in_words(err)
                if rules.final(err) or round_ == self.retry.rounds:
                    step.undo_status = "dead_letter"
                    letter = self.book.letters.open(step, "undo", err, round_)
                    return self._undo_slowly(step, letter)
                await workflow.sleep(self.retry.pause, summary=f"next round of undo {step.id}")
            else:
                step.undo_status = "done"
                return None
        raise AssertionError("UndoRetry has at least one round")

    async def _undo_slowly(self, step: Step, letter: DeadLetter) -> None:
        """Go on until the undo succeeds or an operator settles its letter."""
        letters, pauses = self.book.letters, rules.slow_pauses(self.retry)
        while True:
            asked = await resolution(letter, next(pauses))
            if asked is not None:
                step.undo_status = "skipped" if asked.action == "skip" else "resolved"
                letters.settle(letter, asked)
                return
            try:
                await self._undo_once(step)
            except ActivityError as err:
                letters.add_round(letter, err)
            else:
                step.undo_status = "done"
                letters.settle(letter)
                return

    async def _undo_once(self, step: Step) -> None:
        args = step.args if step.kind == "added" else [*step.args, step.result]
        await self._start(step, "undo", step.undo, args, step.undo_options)

    def _start(
        self,
        step: Step,
        direction: Direction,
        call: Any,
        args: list[Any],
        options: StepOptions,
    ) -> asyncio.Task[Any]:
        final: Any = {
            "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            "summary": None if direction == "do" else f"{direction} of {step.id}",
            "result_type": None if direction == "undo" else step.result_type,
            **options,
        }
        local = final.pop("local", False)
        identity = rules.activity_id(self.book.anchor, self.book.name, step.id, direction)
        if local:
            handle = workflow.start_local_activity(call, args=args, activity_id=identity, **final)
            name = step.activity if direction == "do" else step.undo_name or ""
            return spawn(_as_activity(handle, name, identity, final.get("retry_policy")))
        final.pop("local_retry_threshold", None)
        return workflow.start_activity(call, args=args, activity_id=identity, **final)


async def _as_activity(
    handle: asyncio.Task[Any], name: str, identity: str, policy: RetryPolicy | None
) -> Any:
    """A local activity fails with its bare failure; here it fails as every other activity."""
    await ended(handle)
    try:
        return handle.result()
    except ApplicationError as err:
        final = err.non_retryable or err.type in (
            (policy and policy.non_retryable_error_types) or ()
        )
        raise ActivityError(
            "Activity task failed",
            scheduled_event_id=0,
            started_event_id=0,
            identity="",
            activity_type=name,
            activity_id=identity,
            retry_state=RetryState.NON_RETRYABLE_FAILURE
            if final
            else RetryState.MAXIMUM_ATTEMPTS_REACHED,
        ) from err


def typed_result(step: Step, value: Any) -> Any:
    """What an operator says the step returned, as the step itself would have returned it.

    Raises what Temporal's converter raises if it does not fit.
    """
    hint = step.result_type or result_type_of(step.call)
    if hint is None:
        return value
    converter = workflow.payload_converter()
    return converter.from_payload(converter.to_payload(value), hint)
