"""Trying the laws, each sequence of calls on a world of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

from musterwerk.errors import UsageError
from musterwerk.testing.laws.pair import Activity, Pair, UndoArgs, Wanted, named
from musterwerk.testing.laws.report import BrokenLaw, Call, LawReport, in_words
from musterwerk.testing.laws.sequences import SEQUENCES, Law, Step
from musterwerk.testing.worlds import World, activities_of

W = TypeVar("W", bound=World)
Observe = Callable[[W], object]


async def check_laws(
    *,
    do: Activity | str,
    undo: Activity | str,
    world: Callable[[], AbstractContextManager[W]],
    args: Sequence[object] = (),
    undo_args: UndoArgs | None = None,
    observe: Observe[W],
) -> LawReport:
    """Do this step and its undo bear what a durable workflow does to them?

    Every sequence of calls runs in a new `world()`, entered as a context manager, whose
    `activities()` has both, found by function or by name. They run as activities of a saga, with
    their attempt and `step_key()`. `observe` gives a picture of the effects in a world, such as
    balances or rows, which is compared with `==`.

    The undo is called with the step's `args`, and with its answer if it takes one more argument:
    None where the step has not run, or its answer was lost. Otherwise give `undo_args`, the
    arguments or a function that makes them of the answer.

    A step may refuse with any error, if only the picture is right. An undo must succeed, because
    it is retried until it does. Raises UsageError where the laws cannot be tried.
    """
    wanted = Wanted(do, undo, tuple(args), undo_args)
    violations: dict[Law, BrokenLaw] = {}
    for law, steps in SEQUENCES:
        if law in violations:
            continue
        with _new(world) as fresh:
            violation = await _try(law, steps, wanted.within(activities_of(fresh)), fresh, observe)
        if violation is not None:
            violations[law] = violation
    return LawReport(named(do), named(undo), tuple(violations.values()))


def _new(world: Callable[[], AbstractContextManager[W]]) -> AbstractContextManager[W]:
    made = world()
    if not hasattr(made, "__enter__"):
        raise UsageError(f"{made!r} is no context manager: give it __enter__ and __exit__")
    return made


async def _try(
    law: Law, steps: Sequence[Step], pair: Pair, world: W, observe: Observe[W]
) -> BrokenLaw | None:
    if any(step.answer_lost for step in steps) and not pair.takes_answer:
        return None  # the undo does not see the difference
    untouched = before = _stable_picture(world, observe)
    calls: list[Call] = []
    answer: object = None
    for step in steps:
        call = await pair.call(step.direction, step.attempt, None if step.answer_lost else answer)
        calls.append(call)
        seen = _picture(world, observe)
        if step.direction == "undo" and call.error is not None:
            if step.expected == "anything":
                return None
            return BrokenLaw(law, tuple(calls), "the undo succeeds", in_words(call.error))
        if step.expected == "effect":
            _assert_effect(call, untouched, seen)
            answer = call.answer
        elif step.expected != "anything":
            expected = untouched if step.expected == "untouched" else before
            if not _same(expected, seen):
                return BrokenLaw(law, tuple(calls), expected, seen)
        before = seen
    return None


def _assert_effect(call: Call, untouched: object, seen: object) -> None:
    """A step of which nothing is seen keeps every law, whatever it does."""
    if call.error is not None:
        raise UsageError(
            f"the step failed in an untouched world, so its laws cannot be tried: {call}. Give it"
            " `args` with which it succeeds, and a new world each time"
        ) from call.error
    if _same(untouched, seen):
        raise UsageError(
            f"observe sees no effect of {call}: it gave {seen!r} before and after. Let it show"
            " what the step changes"
        )


def _stable_picture(world: W, observe: Observe[W]) -> object:
    first, second = _picture(world, observe), _picture(world, observe)
    if not _same(first, second):
        raise UsageError(
            f"observe gave {first!r} and then {second!r}, which are not equal, though nothing"
            " happened in between. Leave out what changes by itself, such as the time, and give"
            " plain values that compare with ==: numbers, texts, tuples, dicts"
        )
    return first


def _picture(world: W, observe: Observe[W]) -> object:
    """A copy: what is observed may be the very thing that changes."""
    seen = observe(world)
    try:
        return copy.deepcopy(seen)
    except Exception as error:
        raise UsageError(
            f"observe gave {seen!r}, which cannot be copied ({error}): give plain values, such as"
            " numbers, texts, tuples, dicts"
        ) from error


def _same(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception as error:
        raise UsageError(
            f"observe gave {one!r}, which cannot be compared with == ({error}): give plain"
            " values, such as numbers, texts, tuples, dicts"
        ) from error
