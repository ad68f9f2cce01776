"""Decisions of a saga that need neither a running workflow nor a clock."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast, get_args

from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    RetryState,
    is_cancelled_exception,
)
from temporalio.exceptions import TimeoutError as ActivityTimeout

from musterwerk.errors import SagaUsageError
from musterwerk.saga.model import Branch, Direction, OnUnknown, Step, StepOptions, UndoRetry

# What a step hands on to its undo: where it runs and how long one attempt may take. A limit for
# all attempts would cut the undo's rounds short, and its author need not heartbeat.
_INHERITED = (
    "task_queue",
    "start_to_close_timeout",
    "versioning_intent",
    "priority",
    "local",
)
# What a local activity has no use for, because it runs where the workflow runs.
_NOT_LOCAL = ("task_queue", "heartbeat_timeout", "priority", "versioning_intent")


def activity_id(anchor: str, saga: str, step: str, direction: Direction) -> str:
    """The explicit activity id from which `step_key()` is made.

    `anchor` is the run in which the saga began: it survives retries, resets and
    continue-as-new, and differs for a new execution. What follows the direction is the same
    for a step and its undo.
    """
    return f"{direction}:{saga}/{step}@{anchor}"


def parse_activity_id(value: str) -> tuple[Direction, str, str] | None:
    """(direction, activity name, what step and undo share), or None for a foreign id."""
    direction, colon, shared = value.partition(":")
    if not colon or "@" not in shared or shared.count("/") < 2:
        return None
    name = shared.rpartition("@")[0].partition("/")[2].rpartition("/")[0]
    match direction:
        case "do" | "undo" | "probe":
            return direction, name, shared
        case _:
            return None


def step_id(steps: Sequence[Step], activity: str, branch: Branch) -> str:
    """Such as "charge/1", and "charge/1.2:1" in a branch.

    Counted per activity and branch, so that a step inserted elsewhere shifts no other key, and
    that it does not matter which branch comes first.
    """
    count = sum(step.activity == activity and step.branch == branch for step in steps) + 1
    where = "-".join(f"{group}.{number}" for group, number in branch)
    return f"{activity}/{where}:{count}" if branch else f"{activity}/{count}"


def check_arity(undo: Callable[..., Any] | str, arguments: int) -> None:
    """Refuse an undo that cannot take the step's arguments followed by its result.

    Of one that is given by its name nothing can be known.
    """
    if isinstance(undo, str):
        return
    signature = inspect.signature(undo)
    first = next(iter(signature.parameters), None)
    unbound = first == "self" and not inspect.ismethod(undo)
    try:
        signature.bind(*[None] * (arguments + 1 + unbound))
    except TypeError as err:
        name = getattr(undo, "__qualname__", repr(undo))
        raise SagaUsageError(
            f"undo {name}{signature} is called with the step's {arguments} argument(s) followed "
            f"by the step's result, or None where the outcome is unknown: {err}. "
            "Add the missing parameters, or take what you do not need as *_."
        ) from None


def undo_options(step: StepOptions, own: StepOptions | None, retry: UndoRetry) -> StepOptions:
    """The step's place and timeouts, the saga's bounded retries, and then what the user set."""
    given: dict[str, Any] = dict(step)
    merged: Any = {name: given[name] for name in _INHERITED if name in given}
    if any((own or {}).get(name) for name in _NOT_LOCAL):
        merged.pop("local", None)
    if not merged.get("start_to_close_timeout"):
        merged["start_to_close_timeout"] = given.get("schedule_to_close_timeout")
    merged |= {"retry_policy": retry.retry_policy, **(own or {})}
    policy = merged.get("retry_policy")
    if policy is None or policy.maximum_attempts == 0:
        raise SagaUsageError(
            "the retry policy of an undo must bound its attempts (maximum_attempts of 1 or "
            "more): an undo that is retried for ever never becomes a dead letter that somebody "
            "sees. The saga goes on trying slowly after the bounded rounds."
        )
    if not merged["start_to_close_timeout"] and not merged.get("schedule_to_close_timeout"):
        raise SagaUsageError("an undo needs a start_to_close_timeout, of its own or of its step")
    check_place(merged)
    return merged


def check_place(options: StepOptions) -> None:
    """Refuse what Temporal would ignore or reject in every attempt of the workflow task."""
    given: dict[str, Any] = dict(options)
    wrong = [name for name in _NOT_LOCAL if given.get("local") and given.get(name)]
    if wrong:
        raise SagaUsageError(
            f"a local activity has no {', '.join(wrong)}: it runs where the workflow runs. Leave "
            "that out, or local=True"
        )


def check_unknown(on_unknown: OnUnknown, probe: object, *, pivot: bool) -> None:
    """Refuse a policy for lost outcomes that could not be carried out."""
    if on_unknown not in get_args(OnUnknown):
        known = ", ".join(get_args(OnUnknown))
        raise SagaUsageError(f"unknown on_unknown={on_unknown!r}; there is {known}")
    if (on_unknown == "probe") != (probe is not None):
        raise SagaUsageError('on_unknown="probe" and probe=ACTIVITY belong together')
    if pivot and on_unknown != "compensate":
        raise SagaUsageError(
            f"on_unknown={on_unknown!r} has no meaning after the pivot: there a lost outcome is "
            "retried until it is known. Leave it out."
        )


def forward_options(options: StepOptions) -> StepOptions:
    """After the pivot a step may take any number of attempts, whatever its policy says."""
    forward = options.copy()
    close = forward.pop("schedule_to_close_timeout", None)
    forward.pop("schedule_to_start_timeout", None)
    forward["start_to_close_timeout"] = forward.get("start_to_close_timeout") or close
    policy = forward.get("retry_policy") or RetryPolicy()
    forward["retry_policy"] = replace(policy, maximum_attempts=0)
    return forward


def slow_pauses(retry: UndoRetry) -> Iterator[timedelta]:
    """The waits between the rounds of a dead letter: doubling, so that history stays small."""
    pause = retry.slow_pause
    while True:
        yield pause
        pause = min(pause * 2, retry.slow_pause_max)


def refused(err: BaseException, refusals: Sequence[str]) -> bool:
    """Whether the step declared that this failure comes before any effect."""
    return (
        isinstance(err, ActivityError)
        and err.retry_state == RetryState.NON_RETRYABLE_FAILURE
        and isinstance(err.cause, ApplicationError)
        and err.cause.type in refusals
    )


def outcome_lost(err: ActivityError) -> bool:
    """Whether the step ended without a word on its effect: out of time, or out of attempts.

    A non-retryable failure is the activity's own word; a cancellation undoes everything anyway.
    """
    if is_cancelled_exception(err):
        return False
    if isinstance(err.cause, ActivityTimeout):
        return True  # also in the queue: an attempt before that may have been carried out
    return err.retry_state != RetryState.NON_RETRYABLE_FAILURE


def final(err: ActivityError) -> bool:
    """Whether trying again is pointless by the activity's own word."""
    return err.retry_state == RetryState.NON_RETRYABLE_FAILURE


def leaves(err: BaseException) -> list[BaseException]:
    """The failures in it: those of an exception group (a TaskGroup's), or the failure itself."""
    if not isinstance(err, BaseExceptionGroup):
        return [err]
    group = cast("BaseExceptionGroup[BaseException]", err)
    return [leaf for one in group.exceptions for leaf in leaves(one)]


def principal(err: BaseException) -> BaseException:
    """The one failure to name: the first that is not a cancellation, which others caused."""
    every = leaves(err)
    return next((leaf for leaf in every if not is_cancelled_exception(leaf)), every[0])


def root(err: BaseException) -> BaseException:
    """What really went wrong, below Temporal's wrappings."""
    while isinstance(err, FailureError) and err.cause is not None:
        err = err.cause
    return err


def in_words(err: BaseException) -> str:
    cause = root(err)
    kind = (
        cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
    )
    text = cause.message if isinstance(cause, FailureError) else str(cause)
    # Half a surrogate pair, as file names may have, cannot be sent to anybody.
    text = text.encode("utf-8", "replace").decode()
    return f"{kind}: {text}" if text and text != kind else kind


def non_retryable(err: BaseException) -> bool:
    """Whether the cause itself asks for no further attempt of the workflow."""
    cause = root(err)
    return isinstance(cause, ApplicationError) and cause.non_retryable
