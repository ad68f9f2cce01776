"""The decisions of a saga, without Temporal."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

from musterwerk.errors import SagaUsageError
from musterwerk.saga import StepOptions, UndoRetry, rules
from musterwerk.saga.model import Direction, Step

TEXT = st.text(min_size=1, max_size=30)
NAMES = TEXT.filter(lambda name: "/" not in name)


def failed(state: RetryState, cause: BaseException) -> ActivityError:
    err = ActivityError(
        "Activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="charge",
        activity_id="1",
        retry_state=state,
    )
    err.__cause__ = cause
    return err


@given(
    saga=NAMES,
    activity=TEXT,
    occurrence=st.integers(1, 999),
    direction=st.sampled_from(["do", "undo"]),
)
def test_activity_ids_are_read_back_whatever_the_names(
    saga: str, activity: str, occurrence: int, direction: Direction
) -> None:
    """Activity names hold any text; a wrong split would give two steps one key."""
    identity = rules.activity_id("run-1", saga, f"{activity}/{occurrence}", direction)
    parsed = rules.parse_activity_id(identity)
    assert parsed == (direction, activity, f"{saga}/{activity}/{occurrence}@run-1")


@pytest.mark.parametrize("identity", ["1", "do:", "do:a@b", "redo:saga/charge/1@run", ""])
def test_foreign_activity_ids_have_no_key(identity: str) -> None:
    assert rules.parse_activity_id(identity) is None


@given(before=st.lists(st.sampled_from("abc")), inserted=st.sampled_from("xyz"))
def test_an_inserted_step_shifts_no_other_key(before: list[str], inserted: str) -> None:
    """A new version inserts a step while sagas run: the keys of the others must stay."""

    def ids(activities: list[str]) -> list[str]:
        steps: list[Step] = []
        for activity in activities:
            steps.append(step(activity, id=rules.step_id(steps, activity, ())))
        return [one.id for one in steps]

    for position in range(len(before) + 1):
        after = ids([*before[:position], inserted, *before[position:]])
        after.remove(f"{inserted}/1")
        assert after == ids(before)


def step(activity: str, **more: Any) -> Step:
    given: dict[str, Any] = {
        "call": activity,
        "args": [],
        "options": {},
        "undo": None,
        "undo_name": None,
        "undo_options": {},
        "refusals": (),
        **more,
    }
    return Step(activity=activity, **given)


def takes_three(self: object, order: str, result: str | None) -> None: ...
def takes_one(order: str) -> None: ...
def takes_more(order: str, *_: object) -> None: ...


def test_arity_counts_arguments_and_result() -> None:
    rules.check_arity(takes_three, 1)
    rules.check_arity(takes_more, 5)
    with pytest.raises(SagaUsageError, match="takes_one"):
        rules.check_arity(takes_one, 1)
    with pytest.raises(SagaUsageError, match="followed by the step's result"):
        rules.check_arity(takes_three, 3)


def test_an_undo_runs_where_its_step_ran_but_retries_on_its_own() -> None:
    minute = timedelta(minutes=1)
    options: StepOptions = {
        "task_queue": "bank",
        "start_to_close_timeout": minute,
        "retry_policy": RetryPolicy(maximum_attempts=1),
        "summary": "charge",
    }
    retry = UndoRetry()
    assert rules.undo_options(options, None, retry) == {
        "task_queue": "bank",
        "start_to_close_timeout": minute,
        "retry_policy": retry.retry_policy,
    }
    own = rules.undo_options(options, {"task_queue": "desk"}, retry)
    assert own.get("task_queue") == "desk"


def test_forward_steps_have_no_last_attempt() -> None:
    minute = timedelta(minutes=1)
    forward = rules.forward_options(
        {"schedule_to_close_timeout": minute, "retry_policy": RetryPolicy(maximum_attempts=3)}
    )
    assert forward == {
        "start_to_close_timeout": minute,
        "retry_policy": RetryPolicy(maximum_attempts=0),
    }


def test_slow_retries_double_up_to_their_limit() -> None:
    """Every quarter of an hour for weeks would fill the history."""
    pauses = list(islice(rules.slow_pauses(UndoRetry()), 5))
    assert [pause / timedelta(minutes=1) for pause in pauses] == [15, 30, 60, 60, 60]


def test_only_declared_final_failures_are_refusals() -> None:
    declined = ApplicationError("no", type="CardDeclined", non_retryable=True)
    final = failed(RetryState.NON_RETRYABLE_FAILURE, declined)
    exhausted = failed(RetryState.MAXIMUM_ATTEMPTS_REACHED, declined)
    assert rules.refused(final, ["CardDeclined"])
    assert not rules.refused(final, ["OutOfStock"])
    assert not rules.refused(exhausted, ["CardDeclined"])
    assert not rules.refused(declined, ["CardDeclined"])


def test_words_name_the_root_cause() -> None:
    err = failed(RetryState.TIMEOUT, ApplicationError("no answer", type="ServiceUnavailable"))
    assert rules.in_words(err) == "ServiceUnavailable: no answer"
    assert rules.in_words(KeyError()) == "KeyError"
