"""Dead letters inside the workflow: what has to be done and could not be."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from musterwerk.saga import rules
from musterwerk.saga.model import DeadLetter, Direction, Resolve, Step


class DeadLetters:
    """The open and settled letters of one saga."""

    def __init__(self) -> None:
        self.all: list[DeadLetter] = []

    def open(self, step: Step, direction: Direction, err: BaseException, rounds: int) -> DeadLetter:
        letter = DeadLetter(
            step=step.id,
            direction=direction,
            activity=step.activity if direction == "do" else step.undo_name or "",
            error=rules.in_words(err),
            since=workflow.now().isoformat(),
            attempts=rounds,
        )
        self.all.append(letter)
        workflow.logger.error(
            "Dead letter: %s of %s cannot be done: %s",
            letter.activity,
            step.id,
            letter.error,
        )
        return letter

    def pending(self, step: str) -> DeadLetter | None:
        return next((one for one in self.all if one.step == step and not one.settled), None)

    @property
    def skipped(self) -> list[DeadLetter]:
        """Undos that an operator gave up: the books may not balance."""
        return [
            one
            for one in self.all
            if one.direction == "undo"
            and one.resolution is not None
            and one.resolution["action"] == "skip"
        ]


async def resolution(letter: DeadLetter, pause: timedelta) -> Resolve | None:
    """Wait for an operator, at most `pause`. None means: time for another round."""

    def asked() -> bool:
        return letter.resolution is not None

    try:
        await workflow.wait_condition(
            asked, timeout=pause, timeout_summary=f"dead letter {letter.step}: next slow retry"
        )
    except TimeoutError:
        return None
    asked_for = letter.resolution or {}
    if asked_for["action"] == "retry":
        letter.resolution = None
        return None
    return Resolve(
        step=letter.step,
        action=asked_for["action"],
        by=asked_for["by"],
        reason=asked_for["reason"],
        result=asked_for.get("result"),
    )
