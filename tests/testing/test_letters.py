"""Letters are read from histories: only of undos, and only of the history's own saga."""

from __future__ import annotations

import json
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import ChildWorkflowExecutionFailureInfo, Failure
from temporalio.api.history.v1 import HistoryEvent

from musterwerk.errors import UsageError
from musterwerk.testing.letters import letters_of


def payloads(value: object, encoding: bytes = b"json/plain") -> Payloads:
    data = json.dumps(value).encode()
    return Payloads(payloads=[Payload(metadata={"encoding": encoding}, data=data)])


def sent(letter: dict[str, str], workflow: str = "musterwerk.DeadLetter") -> HistoryEvent:
    given: Any = {"workflow_type": {"name": workflow}, "input": payloads(letter)}
    return HistoryEvent(start_child_workflow_execution_initiated_event_attributes=given)


def compensated(*letters: dict[str, str]) -> Failure:
    report = payloads({"name": "saga", "dead_letters": letters})
    info: Any = {"type": "SagaCompensated", "details": report}
    return Failure(application_failure_info=info)


def failed(failure: Failure) -> HistoryEvent:
    given: Any = {"failure": failure}
    return HistoryEvent(workflow_execution_failed_event_attributes=given)


UNDO = {"saga": "saga", "step": "pay/1", "kind": "undo"}
OTHERS = [UNDO | {"kind": kind} for kind in ("unknown", "forward")]


def test_letters_of_undos_are_read() -> None:
    events = [sent(UNDO), failed(compensated(UNDO)), *map(sent, OTHERS), sent(UNDO, "Receipt")]
    assert list(letters_of(events)) == ["saga/pay/1"] * 2
    assert list(letters_of([failed(compensated(*OTHERS))])) == []


def test_whoever_says_in_his_own_words_that_all_was_undone_is_understood() -> None:
    own = Failure(message="sorry", cause=compensated(UNDO))
    assert list(letters_of([failed(own)])) == ["saga/pay/1"]


def test_the_letters_of_a_child_are_not_those_of_its_parent() -> None:
    """Both may have a saga of the same name, with steps of the same names."""
    child = Failure(
        child_workflow_execution_failure_info=ChildWorkflowExecutionFailureInfo(),
        cause=compensated(UNDO),
    )
    assert list(letters_of([failed(child)])) == []


def test_letters_that_cannot_be_read_are_an_error() -> None:
    letter = sent(UNDO)
    given = letter.start_child_workflow_execution_initiated_event_attributes
    given.input.CopyFrom(payloads(UNDO, b"binary/encrypted"))
    with pytest.raises(UsageError, match=r"writes no plain JSON: leave out"):
        list(letters_of([letter]))
