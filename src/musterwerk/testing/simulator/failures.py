"""The failures a workflow is given, as server and core word them."""

from __future__ import annotations

from typing import TypeAlias

from temporalio.api.common.v1 import ActivityType, Payloads, WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import RetryState, TimeoutType
from temporalio.api.failure.v1 import (
    ActivityFailureInfo,
    CanceledFailureInfo,
    ChildWorkflowExecutionFailureInfo,
    Failure,
    TerminatedFailureInfo,
    TimeoutFailureInfo,
)

Timeout: TypeAlias = "TimeoutType.ValueType"

_NAMES: dict[Timeout, str] = {
    TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE: "StartToClose",
    TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START: "ScheduleToStart",
    TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE: "ScheduleToClose",
    TimeoutType.TIMEOUT_TYPE_HEARTBEAT: "Heartbeat",
}


def timed_out(kind: Timeout, heartbeat: Payloads | None = None) -> Failure:
    info = TimeoutFailureInfo(timeout_type=kind, last_heartbeat_details=heartbeat)
    return Failure(
        message=f"activity {_NAMES[kind]} timeout", source="Server", timeout_failure_info=info
    )


def canceled(details: Payloads | None = None) -> Failure:
    return Failure(canceled_failure_info=CanceledFailureInfo(details=details))


def of_activity(
    message: str,
    cause: Failure | None,
    *,
    activity_type: str,
    activity_id: str,
    retry_state: RetryState.ValueType,
    scheduled: int = 0,
    started: int = 0,
    identity: str = "",
) -> Failure:
    info = ActivityFailureInfo(
        scheduled_event_id=scheduled,
        started_event_id=started,
        identity=identity,
        activity_type=ActivityType(name=activity_type),
        activity_id=activity_id,
        retry_state=retry_state,
    )
    return Failure(message=message, cause=cause, activity_failure_info=info)


def of_child(
    message: str,
    cause: Failure,
    *,
    namespace: str,
    execution: WorkflowExecution,
    workflow_type: str,
    retry_state: RetryState.ValueType,
    initiated: int,
    started: int,
) -> Failure:
    info = ChildWorkflowExecutionFailureInfo(
        namespace=namespace,
        workflow_execution=execution,
        workflow_type=WorkflowType(name=workflow_type),
        initiated_event_id=initiated,
        started_event_id=started,
        retry_state=retry_state,
    )
    return Failure(message=message, cause=cause, child_workflow_execution_failure_info=info)


def child_timed_out() -> Failure:
    kind = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
    return Failure(message="Timed out", timeout_failure_info=TimeoutFailureInfo(timeout_type=kind))


def child_terminated() -> Failure:
    return Failure(message="Terminated", terminated_failure_info=TerminatedFailureInfo())


def not_enough_time(heartbeat: Payloads | None) -> Failure:
    """The server's words for a timeout after which no retry would be in time."""
    failure = timed_out(TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE, heartbeat)
    failure.message = (
        "Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up"
        " retrying"
    )
    return failure
