"""A step and its undo as a world registers them, and how each is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from temporalio import activity
from temporalio.testing import ActivityEnvironment

from musterwerk.errors import UsageError
from musterwerk.saga.book import name_of
from musterwerk.saga.rules import activity_id
from musterwerk.testing.laws.report import Call

Activity = Callable[..., Any]
UndoArgs = Sequence[object] | Callable[[Any], Sequence[object]]


@dataclass(frozen=True)
class Wanted:
    """The pair as it was asked for. `undo_args` may be made of the step's answer."""

    do: Activity | str
    undo: Activity | str
    args: tuple[object, ...]
    undo_args: UndoArgs | None

    def within(self, activities: Sequence[Activity]) -> Pair:
        """Raises UsageError where the world does not have them, or they are called otherwise."""
        known = {named(one): one for one in activities}
        do, undo = _find(self.do, known), _find(self.undo, known)
        if not _takes(do, len(self.args)):
            raise UsageError(
                f"{_signature(do)} is not called with {len(self.args)} argument(s) {self.args!r}:"
                " give check_laws `args` as the step takes them"
            )
        return Pair(self, do, undo, self._hands_on_the_answer(undo))

    def _hands_on_the_answer(self, undo: Activity) -> bool:
        given, count = self.undo_args, len(self.args)
        if callable(given):
            return True
        if given is None:
            if _takes(undo, count + 1):
                return True
            if _takes(undo, count):
                return False
            raise UsageError(
                f"{_signature(undo)} is called neither with the step's {count} argument(s) nor"
                " with these and the step's answer: give check_laws `undo_args`"
            )
        if _takes(undo, len(given)):
            return False
        raise UsageError(f"{_signature(undo)} is not called with `undo_args` {tuple(given)!r}")


@dataclass(frozen=True)
class Pair:
    wanted: Wanted
    do: Activity
    undo: Activity
    #: Whether the undo is told what the step answered.
    takes_answer: bool

    async def call(
        self, direction: Literal["do", "undo"], attempt: int, step_answer: object
    ) -> Call:
        """As a worker calls it for a saga. `step_answer` is None where it is not known."""
        function = self.do if direction == "do" else self.undo
        args = self.wanted.args if direction == "do" else self._undo_args(step_answer)
        environment = ActivityEnvironment()
        environment.info = self._info(direction, attempt)
        call = Call(named(function), attempt, args)
        try:
            answer = environment.run(function, *args)
            if inspect.isawaitable(answer):
                answer = await answer
        except Exception as error:  # what an activity raises is its answer to the workflow
            return replace(call, error=error)
        return replace(call, answer=answer)

    def _undo_args(self, step_answer: object) -> tuple[object, ...]:
        given = self.wanted.undo_args
        if callable(given):
            return tuple(given(step_answer))
        if given is not None:
            return tuple(given)
        return (*self.wanted.args, step_answer) if self.takes_answer else self.wanted.args

    def _info(self, direction: Literal["do", "undo"], attempt: int) -> activity.Info:
        """`step_key()` answers by the activity's id, which step and undo share but for its word."""
        now = datetime.now(UTC)
        return replace(
            ActivityEnvironment.default_info(),
            activity_id=activity_id("laws", "saga", f"{named(self.do)}/1", direction),
            activity_type=named(self.do if direction == "do" else self.undo),
            attempt=attempt,
            scheduled_time=now,
            current_attempt_scheduled_time=now,
            started_time=now,
            schedule_to_close_timeout=None,
            start_to_close_timeout=timedelta(minutes=1),
            workflow_type="CheckLaws",
        )


def named(wanted: Activity | str) -> str:
    """Under which it is registered."""
    try:
        return name_of(wanted)
    except TypeError:
        raise UsageError(
            f"{wanted!r} is no activity: decorate the function with @activity.defn"
        ) from None


def _find(wanted: Activity | str, known: dict[str, Activity]) -> Activity:
    name = named(wanted)
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise UsageError(
            f"the world's activities() has no activity {name!r} (it has: {names}): name one of"
            " these, or add it there"
        )
    return known[name]


def _signature(function: Activity) -> str:
    return f"{named(function)}{inspect.signature(function)}"


def _takes(function: Activity, count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    return True
