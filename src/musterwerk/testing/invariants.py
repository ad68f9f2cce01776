"""What has to hold of how nearly every process comes to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from musterwerk.errors import UsageError
from musterwerk.testing.effects import EFFECTS
from musterwerk.testing.letters import Round, letters_of, rounds_of
from musterwerk.testing.simulator.outcome import Outcome


def terminal_state_reached(_: object, outcome: Outcome | None) -> None:
    """The process completes, fails or is canceled, and leaves no other workflow waiting.

    Where the server ends it (timed out, terminated) no code of its own could undo anything. Nothing
    is said of what goes on for longer than it is simulated, as with an undo that fails for ever.
    """
    seen = _ended(outcome)
    if seen.status in ("timed_out", "terminated"):
        how = seen.status.replace("_", " ")
        raise AssertionError(f"the server ended the process, which {how} and undid nothing")
    left = [
        f"{run.workflow_type} {run.workflow_id}" for run in seen.runs if run.status == "running"
    ]
    if left and seen.stopped is None:
        raise AssertionError(f"still open, and nothing left to happen: {', '.join(left)}")


def no_needless_dead_letter(_: object, outcome: Outcome | None) -> None:
    """Operators are called for an undo of a `Saga` only if it fails for ever.

    A letter is needless if the undo succeeds later by itself, unless it has failed in a way that is
    not to be retried. Letters are seen where the saga sends them (`dead_letters_to`), and where its
    failure is that of its workflow.
    """
    rounds: dict[tuple[str, str], list[Round]] = {}
    letters: list[tuple[str, str]] = []
    for run in _ended(outcome).runs:
        events = run.history.events
        letters += [(run.workflow_id, undo) for undo in letters_of(events)]
        for undo, end in rounds_of(events):
            rounds.setdefault((run.workflow_id, undo), []).append(end)
    for workflow_id, undo in letters:
        ends = rounds.get((workflow_id, undo), [])
        if "succeeded" in ends and "gave up" not in ends:
            how = ", then ".join(ends)
            raise AssertionError(f"called an operator for {undo} of {workflow_id}: its undo {how}")


#: All ready invariants. Nothing is merged with them, for they look at how the end came about.
STANDARD: Sequence[Callable[[Any, Outcome | None], None]] = (
    *EFFECTS,
    terminal_state_reached,
    no_needless_dead_letter,
)


def _ended(outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise UsageError("this invariant speaks of the end: it goes to `invariants`, not `always`")
    return outcome
