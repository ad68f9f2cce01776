"""Running the activities of a step: forward, forward for ever, and back."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from musterwerk.errors import StepSkipped
from musterwerk.saga import rules
from musterwerk.saga.book import Book
from musterwerk.saga.deadletters import resolution, settle
from musterwerk.saga.model import DeadLetter, Direction, Step, StepOptions, UndoRetry


class Execution:
    """Starts a saga's activities under their explicit ids."""

    def __init__(self, book: Book, retry: UndoRetry) -> None:
        self.book = book
        self.retry = retry

    def start(self, step: Step) -> workflow.ActivityHandle[Any]:
        return self._start(step, "do", step.call, step.args, step.options)

    async def forward(self, step: Step) -> Any:
        """After the pivot: until it is done, or an operator says otherwise."""
        letter: DeadLetter | None = None
        pauses = rules.slow_pauses(self.retry)
        while True:
            try:
                result = await self._start(
                    step, "do", step.call, step.args, rules.forward_options(step.options)
                )
            except ActivityError as err:
                letter = self._note(letter, step, "do", err, rounds=1)
                step.status, step.error = "dead_letter", letter.error
            else:
                if letter is not None:
                    settle(letter)
                return result
            asked = await resolution(letter, next(pauses))
            if asked is None:
                continue
            settle(letter, asked)
            if asked.action == "skip":
                step.status = "skipped"
                raise StepSkipped(f"{step.id} was skipped by {asked.by}: {asked.reason}")
            return asked.result

    async def undo(self, step: Step) -> DeadLetter | None:
        """The bounded rounds. A dead letter is returned where they did not suffice."""
        step.undo_status = "running"
        for round_ in range(1, self.retry.rounds + 1):
            try:
                await self._undo_once(step)
            except ActivityError as err:
                step.undo_error = rules.in_words(err)
                if rules.final(err) or round_ == self.retry.rounds:
                    step.undo_status = "dead_letter"
                    return self._note(None, step, "undo", err, rounds=round_)
                await workflow.sleep(self.retry.pause, summary=f"next round of undo {step.id}")
            else:
                step.undo_status = "done"
                return None
        return None

    async def undo_slowly(self, step: Step, letter: DeadLetter) -> None:
        """Go on until the undo succeeds or an operator settles its letter."""
        pauses = rules.slow_pauses(self.retry)
        while True:
            asked = await resolution(letter, next(pauses))
            if asked is not None:
                step.undo_status = "skipped" if asked.action == "skip" else "resolved"
                settle(letter, asked)
                return
            try:
                await self._undo_once(step)
            except ActivityError as err:
                self._note(letter, step, "undo", err, rounds=1)
            else:
                step.undo_status = "done"
                settle(letter)
                return

    async def _undo_once(self, step: Step) -> None:
        args = [*step.args, step.result]
        await self._start(step, "undo", step.undo, args, step.undo_options)

    def _note(
        self,
        letter: DeadLetter | None,
        step: Step,
        direction: Direction,
        err: ActivityError,
        rounds: int,
    ) -> DeadLetter:
        if letter is None:
            return self.book.letters.open(step, direction, err, rounds)
        letter.attempts += rounds
        letter.error = rules.in_words(err)
        return letter

    def _start(
        self,
        step: Step,
        direction: Direction,
        call: Any,
        args: list[Any],
        options: StepOptions,
    ) -> workflow.ActivityHandle[Any]:
        final: Any = {
            "cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            "summary": f"undo of {step.id}" if direction == "undo" else None,
            **options,
        }
        identity = rules.activity_id(self.book.anchor, self.book.name, step.id, direction)
        return workflow.start_activity(call, args=args, activity_id=identity, **final)
