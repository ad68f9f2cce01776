"""What a history tells of the undos and the dead letters of a `Saga`.

An undo goes by saga and step, such as "saga/charge/1".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import RetryState
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

from musterwerk.errors import UsageError
from musterwerk.saga.letter import WORKFLOW
from musterwerk.saga.rules import parse_activity_id

#: "gave up": it failed in a way that is not to be retried.
Round: TypeAlias = Literal["succeeded", "failed", "gave up"]

_SAGA_FAILURES = ("SagaCompensated", "SagaCompensationFailed", "SagaForwardFailed")
_LOCAL = "core_local_activity"
_FINAL = RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE


def rounds_of(events: Sequence[HistoryEvent]) -> Iterator[tuple[str, Round]]:
    """Each undo that ran, with how a round of it ended, or a part of one before a long pause."""
    ids: dict[int, str] = {}
    for event in events:
        kind = (event.WhichOneof("attributes") or "").removesuffix("_event_attributes")
        given: Any = getattr(event, f"{kind}_event_attributes")
        if kind == "activity_task_scheduled":
            ids[event.event_id] = given.activity_id
        elif kind == "activity_task_completed":
            yield from _round(ids[given.scheduled_event_id], "succeeded")
        elif kind in ("activity_task_failed", "activity_task_timed_out"):
            final = given.retry_state == _FINAL
            yield from _round(ids[given.scheduled_event_id], "gave up" if final else "failed")
        elif kind == "marker_recorded" and given.marker_name == _LOCAL:
            data = _json(given.details["data"])
            end = _of_failure(given.failure) if given.HasField("failure") else "succeeded"
            yield from _round(data["activity_id"], end)


def letters_of(events: Sequence[HistoryEvent]) -> Iterator[str]:
    """Undos for which there were dead letters, as far as this history tells: those that it sent,
    and those in the report with which it failed."""
    for event in events:
        if event.HasField("start_child_workflow_execution_initiated_event_attributes"):
            child = event.start_child_workflow_execution_initiated_event_attributes
            if child.workflow_type.name == WORKFLOW:
                letter = _json(child.input)
                yield from _undo(letter, letter["saga"])
        elif event.HasField("workflow_execution_failed_event_attributes"):
            yield from _reported(event.workflow_execution_failed_event_attributes.failure)


def _reported(failure: Failure) -> Iterator[str]:
    """From the report of this workflow's own saga, not of one in a child."""
    while not failure.HasField("child_workflow_execution_failure_info"):
        info = failure.application_failure_info
        if info.type in _SAGA_FAILURES:
            report = _json(info.details)
            for letter in report["dead_letters"]:
                yield from _undo(letter, report["name"])
        if not failure.HasField("cause"):
            return
        failure = failure.cause


def _undo(letter: dict[str, Any], saga: str) -> Iterator[str]:
    if letter["kind"] == "undo":
        yield f"{saga}/{letter['step']}"


def _round(activity_id: str, end: Round) -> Iterator[tuple[str, Round]]:
    parsed = parse_activity_id(activity_id)
    if parsed is not None and parsed[0] == "undo":
        yield parsed[2].rpartition("@")[0], end


def _of_failure(failure: Failure) -> Round:
    return "gave up" if failure.application_failure_info.non_retryable else "failed"


def _json(payloads: Payloads) -> dict[str, Any]:
    payload = payloads.payloads[0]
    if payload.metadata.get("encoding") != b"json/plain":
        raise UsageError(
            "the dead letters of this process cannot be read, for its `data_converter` writes no"
            " plain JSON: leave out that, or no_needless_dead_letter"
        )
    return json.loads(payload.data)
