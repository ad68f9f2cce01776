"""The four laws, and the sequences of calls that try them (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Law = Literal["do.do = do", "undo.undo = undo", "undo.do = nothing", "do.undo conserves"]
LAWS: tuple[Law, ...] = get_args(Law)

#: What the world must look like after a call: an effect is seen; as it was untouched; as it was
#: before this call; or anything, because another law judges it.
Expected = Literal["effect", "untouched", "unchanged", "anything"]


@dataclass(frozen=True)
class Step:
    direction: Literal["do", "undo"]
    expected: Expected
    attempt: int = 1
    #: The workflow has never seen what the step answered.
    answer_lost: bool = False


MEANING: dict[Law, str] = {
    "do.do = do": "a step that comes again must have no second effect",
    "undo.undo = undo": "an undo that comes again must have no second effect, and succeed",
    "undo.do = nothing": "an undo before its step changes nothing, and the late step has no effect",
    "do.undo conserves": "after a step and its undo the world must be as before",
}

WHAT_TO_DO: dict[Law, str] = {
    "do.do = do": (
        "keep the effect under the key of the step, in the same transaction, and answer a"
        " repetition from there. The key must be the same for every attempt"
        " (step_key().business_key is)."
    ),
    "undo.undo = undo": (
        "mark what stands under the key as undone in the same transaction as the undo. A"
        " repetition then finds nothing left, and succeeds."
    ),
    "undo.do = nothing": (
        "undo only what stands under the key; where nothing does, succeed without an effect, and"
        " remember the key of what was undone (a tombstone), so that a late step finds it."
    ),
    "do.undo conserves": (
        "find what the step did by a key that both share (step_key().business_key), not by what"
        " the step answered, which is None where the answer was lost. Give back all of it."
    ),
}

SEQUENCES: tuple[tuple[Law, tuple[Step, ...]], ...] = (
    (
        "do.do = do",
        # The first attempt, believed lost, arrives once more behind the second.
        (Step("do", "effect"), Step("do", "unchanged", 2), Step("do", "unchanged")),
    ),
    (
        "undo.undo = undo",
        (Step("do", "effect"), Step("undo", "anything"), Step("undo", "unchanged", 2)),
    ),
    ("undo.undo = undo", (Step("undo", "anything"), Step("undo", "unchanged", 2))),
    (
        "undo.do = nothing",
        (Step("undo", "untouched"), Step("do", "untouched"), Step("do", "untouched", 2)),
    ),
    (
        "undo.do = nothing",
        (Step("do", "effect"), Step("undo", "anything"), Step("do", "unchanged", 2)),
    ),
    ("do.undo conserves", (Step("do", "effect"), Step("undo", "untouched"))),
    ("do.undo conserves", (Step("do", "effect", 2), Step("undo", "untouched"))),
    (
        "do.undo conserves",
        (Step("do", "effect"), Step("undo", "untouched", answer_lost=True)),
    ),
)
