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

    def unsettled(self, step: str) -> DeadLetter | None:
        return next((one for one in self.all if one.step == step and not one.settled), None)


def answer(letter: DeadLetter, resolve: Resolve) -> None:
    """Keep what an operator said; it is acted on when the running round, if any, has ended."""
    letter.pending = resolve
    letter.answers.append(
        {
            "action": resolve.action,
            "by": resolve.by,
            "reason": resolve.reason,
            "at": workflow.now().isoformat(),
        }
    )


def settle(letter: DeadLetter, resolve: Resolve | None = None) -> None:
    """Close the letter: by an operator's word, or because the work itself succeeded."""
    letter.settled = True
    letter.pending = None
    if resolve is not None:
        letter.resolution = letter.answers[-1]


async def resolution(letter: DeadLetter, pause: timedelta) -> Resolve | None:
    """Wait for an operator, at most `pause`. None means: time for another round."""

    def answered() -> bool:
        return letter.pending is not None

    try:
        await workflow.wait_condition(
            answered, timeout=pause, timeout_summary=f"dead letter {letter.step}: next slow retry"
        )
    except TimeoutError:
        return None
    resolve, letter.pending = letter.pending, None
    return None if resolve is None or resolve.action == "retry" else resolve
