"""What a saga is made of, and the plain JSON it is shown as.

Options are frozen; `Step` and `DeadLetter` are records that `execution.py` and `workflow.py`
bring up to date. Nothing but Temporal's SDK is needed, because every workflow with a saga
imports this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, Literal, TypedDict

from temporalio.common import Priority, RetryPolicy
from temporalio.workflow import ActivityCancellationType, VersioningIntent

from musterwerk.errors import SagaUsageError

#: What an activity of a step is for. A probe asks whether the step's effect landed.
Direction = Literal["do", "undo", "probe"]
OnUnknown = Literal["compensate", "probe", "retry", "escalate"]
#: What an operator may say about a dead letter.
Action = Literal["retry", "skip", "done"]
#: Why there is a dead letter: an undo fails, a step after the pivot fails, or nobody knows
#: whether a step before the pivot took effect.
LetterKind = Literal["undo", "forward", "unknown"]
ACTIONS: tuple[Action, ...] = ("retry", "skip", "done")
#: Where a step stands among branches: (group, branch) for each `gather` around it.
Branch = tuple[tuple[int, int], ...]
StepStatus = Literal[
    "running",
    "done",
    "failed",
    "cancelled",
    "refused",
    "unknown",
    "dead_letter",
    "skipped",
]
#: An activity, a child workflow, or an undo that was added without a step.
StepKind = Literal["activity", "child", "added"]
UndoStatus = Literal[
    "none", "registered", "planned", "running", "done", "dead_letter", "skipped", "resolved"
]
SagaStatus = Literal[
    "running",
    "holding",
    "compensating",
    "completed",
    "compensated",
    "compensation_failed",
    "forward",
    "forward_failed",
    "continued",
]


class StepOptions(TypedDict, total=False):
    """How an activity of a saga is run, with Temporal's names and meanings.

    `local=True` runs it as a local activity, which knows no task queue, heartbeat, priority or
    versioning intent. Two defaults differ from a bare activity: `cancellation_type` is
    WAIT_CANCELLATION_COMPLETED, so that a cancelled step has ended before its undo starts; and
    the activity id is the saga's, because `step_key()` is made of it.
    """

    local: bool
    local_retry_threshold: timedelta | None

    task_queue: str | None
    schedule_to_close_timeout: timedelta | None
    schedule_to_start_timeout: timedelta | None
    start_to_close_timeout: timedelta | None
    heartbeat_timeout: timedelta | None
    retry_policy: RetryPolicy | None
    cancellation_type: ActivityCancellationType
    versioning_intent: VersioningIntent | None
    summary: str | None
    priority: Priority


class RunOptions(StepOptions, total=False):
    """What `Saga.run` takes besides the activity's own options.

    `refusals` names the types of non-retryable failures that come before any effect: after one
    of these the step has no undo. Declare only what the service guarantees for every attempt.
    `undo_options` is how the undo is run, where it differs from the step.
    `on_unknown` says what a lost outcome means: a step that ended by a timeout, or without
    success after its last attempt, so that nobody knows whether its effect landed.
    """

    refusals: Collection[str]
    undo_options: StepOptions | None
    on_unknown: OnUnknown


def _undo_attempts() -> RetryPolicy:
    return RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(minutes=1),
        maximum_attempts=5,
    )


@dataclass(frozen=True)
class UndoRetry:
    """How hard an undo is tried before somebody is called, and how often afterwards.

    A round is one activity with `retry_policy`, which must bound its attempts. After `rounds`
    rounds, `pause` apart, a dead letter arises; from then on one round follows every
    `slow_pause`, doubling up to `slow_pause_max`, until it succeeds or an operator resolves it.
    """

    retry_policy: RetryPolicy = field(default_factory=_undo_attempts)
    rounds: int = 3
    pause: timedelta = timedelta(minutes=1)
    slow_pause: timedelta = timedelta(minutes=15)
    slow_pause_max: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise SagaUsageError(f"UndoRetry needs at least one round, not {self.rounds}")
        if self.pause <= timedelta(0) or self.slow_pause <= timedelta(0):
            raise SagaUsageError("UndoRetry's pauses must be longer than nothing")
        if self.slow_pause_max < self.slow_pause:
            raise SagaUsageError("UndoRetry: slow_pause_max is shorter than slow_pause")


@dataclass
class Step:
    """One occurrence of an activity in a saga, with the undo that was registered before it."""

    activity: str
    call: Callable[..., Any] | str
    args: list[Any]
    options: StepOptions
    undo: Callable[..., Any] | str | None
    undo_name: str | None
    undo_options: StepOptions
    refusals: tuple[str, ...] = ()
    on_unknown: OnUnknown = "compensate"
    probe: Callable[..., Any] | str | None = None
    result_type: type[Any] | None = None
    kind: StepKind = "activity"
    branch: Branch = ()
    id: str = ""  # given when it is registered
    status: StepStatus = "running"
    undo_status: UndoStatus = "none"
    result: Any = None
    error: str | None = None
    undo_error: str | None = None

    def report(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "activity": self.activity,
            "branch": "/".join(f"{group}.{number}" for group, number in self.branch),
            "status": self.status,
            "undo": self.undo_name,
            "undo_status": self.undo_status,
            "error": self.error,
            "undo_error": self.undo_error,
        }


@dataclass
class DeadLetter:
    """Something that has to be done and could not be. It stays until it is settled.

    `attempts` counts rounds, not the activity attempts within one. `since` is ISO 8601 in UTC.
    `answers` are all that operators said; `pending` is one that waits to be acted on, and
    `resolution` the one that settled the letter, if it was not settled by success. `actions`
    are those that make sense here. `retried` says whether it is tried again without a word of
    anybody's.
    """

    step: str
    direction: Direction
    activity: str
    error: str
    since: str
    attempts: int
    answers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    pending: Resolve | None = None
    resolution: dict[str, Any] | None = None
    settled: bool = False
    settled_at: str | None = None
    id: str = ""  # where it is kept outside the workflow, if it is
    kind: LetterKind = "undo"
    actions: list[Action] = field(default_factory=lambda: list(ACTIONS))
    retried: bool = True

    def report(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "direction": self.direction,
            "activity": self.activity,
            "error": self.error,
            "since": self.since,
            "attempts": self.attempts,
            "settled": self.settled,
            "settled_at": self.settled_at,
            "resolution": self.resolution,
            "answers": self.answers,
            "id": self.id,
            "kind": self.kind,
            "actions": list(self.actions),
            "retried": self.retried,
        }


#: Of a name and of a reason. They end in the details of the workflow's failure, whose size the
#: server limits: a longer one could keep the workflow from ever ending.
MAX_WORDS = 2_000


@dataclass(frozen=True)
class Resolve:
    """What an operator sends with the update `saga_resolve` to settle a dead letter.

    `action` is one of three: `retry` tries at once instead of at the next slow round; `done`
    says that it was done by other means (`result` is then what the step itself returns, as
    JSON); `skip` gives it up. Skipping a step of which nobody knows the outcome, before the
    pivot, means that the step has failed: it is undone with all the others.
    `by` and `reason` are kept in the report. `saga` is needed only where several sagas of a
    workflow have an open letter for such a step.
    """

    step: str
    action: Action
    by: str
    reason: str
    saga: str | None = None
    result: Any = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Resolve:
        """As the update brings it. Raises ValueError that says what is missing or too much.

        By hand: in a sandboxed workflow the SDK may not find the names in our annotations.
        """
        known = {one.name: one for one in fields(cls)}
        if unknown := [name for name in given if name not in known]:
            raise ValueError(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}")
        for name in ("step", "action", "by", "reason"):
            if not isinstance(given.get(name), str):
                raise ValueError(f"{name} is {given.get(name)!r}; text is expected")
        if not isinstance(given.get("saga"), str | None):
            raise ValueError(f"saga is {given['saga']!r}; a name or null is expected")
        return cls(**given)

    def flaw(self, letter: Mapping[str, Any] | None = None) -> str | None:
        """What is wrong with it, in words; with a letter's report also whether it fits that."""
        if self.action not in ACTIONS:
            return f"unknown action {self.action!r}: retry, skip or done"
        if not self.by.strip() or not self.reason.strip():
            return "a resolution needs a name (by) and a reason; they are what is kept"
        for name, text in (("name (by)", self.by), ("reason", self.reason)):
            if len(text) > MAX_WORDS:
                return f"the {name} has {len(text)} characters; at most {MAX_WORDS} are kept"
            if not _sendable(text):
                return f"the {name} holds bytes that are no text in UTF-8"
        if not _sendable(json.dumps(self.result, ensure_ascii=False, default=str)):
            return "the result holds half a character (a lone surrogate), which no JSON can carry"
        allowed = ACTIONS if letter is None else letter.get("actions", ACTIONS)
        if self.action in allowed:
            return None
        return (
            f"{self.action!r} makes no sense for the dead letter of {self.step}: there is nothing "
            f"to {self.action} here; choose {' or '.join(allowed)}"
        )


def _sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
