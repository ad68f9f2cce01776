"""Dead letters inside the workflow: what has to be done and could not be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow

from musterwerk.saga import rules
from musterwerk.saga.model import (
    ACTIONS,
    Action,
    DeadLetter,
    Direction,
    LetterKind,
    Resolve,
    Step,
)
from musterwerk.saga.post import Post


class DeadLetters:
    """The open and settled letters of one saga; with a `post`, told to the outside as well."""

    def __init__(self) -> None:
        self.all: list[DeadLetter] = []
        self.post: Post | None = None

    def open(
        self,
        step: Step,
        direction: Direction,
        err: BaseException,
        rounds: int,
        *,
        kind: LetterKind | None = None,
        actions: Sequence[Action] = ACTIONS,
        retried: bool = True,
    ) -> DeadLetter:
        letter = DeadLetter(
            step=step.id,
            direction=direction,
            activity=step.activity if direction == "do" else step.undo_name or "",
            error=rules.in_words(err),
            since=workflow.now().isoformat(),
            attempts=rounds,
            kind=kind or _kind(direction),
            actions=list(actions),
            retried=retried,
        )
        self.all.append(letter)
        workflow.logger.error(
            "Dead letter: %s of %s cannot be done: %s",
            letter.activity,
            step.id,
            letter.error,
        )
        if self.post is not None:
            self.post.opened(letter, len(self.all))
        return letter

    def add_round(self, letter: DeadLetter, err: BaseException) -> None:
        letter.attempts += 1
        letter.error = rules.in_words(err)

    def settle(self, letter: DeadLetter, resolve: Resolve | None = None) -> None:
        """Close it: by an operator's word, or because the work itself succeeded.

        Where it succeeded after an operator had it tried again, that is what is kept.
        """
        last = letter.answers[-1] if letter.answers else None
        said = resolve is not None or (last is not None and last["action"] == "retry")
        self._close(letter, last if said else None)

    def overtake(self, letter: DeadLetter, reason: str) -> None:
        """Close it because the question it asked no longer arises."""
        self._close(letter, _note("overtaken", "musterwerk", reason))

    def unsettled(self, step: str) -> DeadLetter | None:
        return next((one for one in self.all if one.step == step and not one.settled), None)

    async def sent(self) -> None:
        """Wait until the outside has been told; see `Post.sent`."""
        if self.post is not None:
            await self.post.sent()

    def dump(self) -> list[dict[str, Any]]:
        return [letter.report() for letter in self.all]

    def load(self, letters: list[dict[str, Any]]) -> None:
        """Of an earlier run, maybe of a version that told less."""
        self.all = []
        for one in letters:
            kind: dict[str, Any] = {"kind": _kind(one["direction"])}
            self.all.append(DeadLetter(**(kind | one)))

    def _close(self, letter: DeadLetter, resolution: dict[str, Any] | None) -> None:
        letter.settled, letter.pending, letter.resolution = True, None, resolution
        letter.settled_at = workflow.now().isoformat()
        if self.post is not None:
            self.post.settled(letter)


def _kind(direction: Direction) -> LetterKind:
    return "undo" if direction == "undo" else "forward"


#: How many of the operators' answers are kept, the latest; see MAX_WORDS.
_ANSWERS = 20


def answer(letter: DeadLetter, resolve: Resolve) -> None:
    """Keep what an operator said; it is acted on when the running round, if any, has ended."""
    letter.pending = resolve
    letter.answers.append(_note(resolve.action, resolve.by, resolve.reason))
    del letter.answers[:-_ANSWERS]


async def resolution(letter: DeadLetter, pause: timedelta | None) -> Resolve | None:
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


def _note(action: str, by: str, reason: str) -> dict[str, Any]:
    return {"action": action, "by": by, "reason": reason, "at": workflow.now().isoformat()}
