"""How a run ends: by its own command, or by somebody else's; and whether another follows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import ContinueAsNewInitiator, RetryState
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_commands import (
    CancelWorkflowExecution,
    CompleteWorkflowExecution,
    ContinueAsNewWorkflowExecution,
    FailWorkflowExecution,
)

from musterwerk.testing.simulator import births
from musterwerk.testing.simulator.clock import NS, span
from musterwerk.testing.simulator.retry import Policy, next_attempt
from musterwerk.testing.simulator.worker import IDENTITY

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

# The server lets no chain of runs begin one more often than so.
_CONTINUE_AT_MOST_EVERY = NS


def complete(run: Run, given: CompleteWorkflowExecution) -> None:
    def record(completed: int) -> None:
        run.result = given.result
        run.record(
            "workflow_execution_completed",
            result=Payloads(payloads=[given.result]),
            workflow_task_completed_event_id=completed,
        )
        run.close("completed")

    run.open_task.end_with(record)


def cancel(run: Run, given: CancelWorkflowExecution) -> None:
    def record(completed: int) -> None:
        details = given.details if given.HasField("details") else None
        run.record(
            "workflow_execution_canceled",
            details=details,
            workflow_task_completed_event_id=completed,
        )
        run.close("canceled")

    run.open_task.end_with(record)


def fail(run: Run, given: FailWorkflowExecution) -> None:
    def record(completed: int) -> None:
        run.failure = given.failure
        run.retry_state = state = _retry(run, given.failure)
        run.record(
            "workflow_execution_failed",
            failure=given.failure,
            retry_state=state,
            workflow_task_completed_event_id=completed,
            new_execution_run_id=run.next_run.run_id if run.next_run else "",
        )
        run.close("failed")

    run.open_task.end_with(record)


def continue_as_new(run: Run, given: ContinueAsNewWorkflowExecution) -> None:
    run.open_task.end_with(lambda completed: _continue(run, given, completed))


def _continue(run: Run, given: ContinueAsNewWorkflowExecution, completed: int) -> None:
    asked = span(given.backoff_start_interval)
    pause = max(0, asked, run.started_at + _CONTINUE_AT_MOST_EVERY - run.now)
    search_attributes = dict(given.search_attributes.indexed_fields)
    birth = dataclasses.replace(
        run.birth,
        workflow_type=given.workflow_type or run.workflow_type,
        task_queue=given.task_queue or run.task_queue,
        arguments=list(given.arguments),
        headers=dict(given.headers),
        memo=dict(given.memo) or run.memo,
        search_attributes=search_attributes or run.search_attributes,
        run_timeout=span(given.workflow_run_timeout) or run.birth.run_timeout,
        retry_policy=given.retry_policy
        if given.HasField("retry_policy")
        else run.birth.retry_policy,
        execution_deadline=run.deadline,
        attempt=1,
        delay=pause,
        before=run,
        initiator=ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_WORKFLOW,
        last_failure=None,
    )
    run.next_run = births.start(run.simulation, birth)
    run.record(
        "workflow_execution_continued_as_new",
        new_execution_run_id=run.next_run.run_id,
        workflow_type={"name": birth.workflow_type},
        task_queue={"name": birth.task_queue},
        input=Payloads(payloads=given.arguments),
        initiator=birth.initiator,
        header={"fields": birth.headers},
        workflow_task_completed_event_id=completed,
    )
    run.close("continued_as_new")


def time_out(run: Run) -> None:
    """The server's clock has run out for this run, or for all that could follow it."""
    failure = Failure(message="workflow timeout", source="Server")
    failure.timeout_failure_info.SetInParent()
    state: RetryState.ValueType = RetryState.RETRY_STATE_TIMEOUT
    if not run.deadline or run.now < run.deadline:
        state = _retry(run, failure, timed_out=True)
    run.failure, run.retry_state = failure, state
    run.record(
        "workflow_execution_timed_out",
        retry_state=state,
        new_execution_run_id=run.next_run.run_id if run.next_run else "",
    )
    run.close("timed_out")


def terminate(run: Run, reason: str) -> None:
    run.record("workflow_execution_terminated", reason=reason, identity=IDENTITY)
    run.failure = Failure(message=reason or "Workflow execution terminated")
    run.failure.terminated_failure_info.SetInParent()
    run.close("terminated")


def _retry(run: Run, failure: Failure, *, timed_out: bool = False) -> RetryState.ValueType:
    given = run.birth.retry_policy
    if given is None:
        return RetryState.RETRY_STATE_RETRY_POLICY_NOT_SET
    policy = Policy.of(given)
    seen = Failure() if timed_out else failure
    pause, state = next_attempt(
        policy, seen, run.birth.attempt, now=run.now, deadline=run.deadline or None
    )
    if pause is not None:
        changes: dict[str, Any] = {"attempt": run.birth.attempt + 1, "delay": pause}
        birth = dataclasses.replace(
            run.birth,
            before=run,
            execution_deadline=run.deadline,
            initiator=ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_RETRY,
            last_failure=failure,
            **changes,
        )
        run.next_run = births.start(run.simulation, birth)
    return state
