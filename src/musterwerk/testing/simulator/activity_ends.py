"""How an activity begins and ends in the history, and how the workflow is told of its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import RetryState
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_commands import ScheduleActivity

from musterwerk.testing.simulator import failures
from musterwerk.testing.simulator.calls import Reply
from musterwerk.testing.simulator.clock import duration
from musterwerk.testing.simulator.limits import Limits
from musterwerk.testing.simulator.retry import Policy
from musterwerk.testing.simulator.worker import IDENTITY

if TYPE_CHECKING:
    from musterwerk.testing.simulator.activities import ScheduledActivity


def scheduled(one: ScheduledActivity, completed: int) -> int:
    """Record it; gives the event's id."""
    # Histories are kept longer than activities and runs, so that the note knows neither.
    queue = one.given.task_queue or one.run.task_queue
    event = partial(_scheduled, one.given, one.limits, one.policy, queue, completed)
    return one.run.log.add("activity_task_scheduled", one.run.now, event)


def _scheduled(
    given: ScheduleActivity, limits: Limits, policy: Policy, queue: str, completed: int
) -> dict[str, Any]:
    return {
        "activity_id": given.activity_id,
        "activity_type": {"name": given.activity_type},
        "task_queue": {"name": queue},
        "header": {"fields": dict(given.headers)},
        "input": Payloads(payloads=given.arguments) if given.arguments else None,
        "schedule_to_close_timeout": duration(limits.schedule_to_close),
        "schedule_to_start_timeout": duration(limits.schedule_to_start),
        "start_to_close_timeout": duration(limits.start_to_close),
        "heartbeat_timeout": duration(limits.heartbeat),
        "workflow_task_completed_event_id": completed,
        "retry_policy": policy.message(),
    }


def _close(one: ScheduledActivity) -> dict[str, Any]:
    """It is over. The server records only now that it was started; gives the ids of both events."""
    started = 0
    if one.close():
        event = {
            "scheduled_event_id": one.scheduled,
            "identity": IDENTITY,
            "attempt": one.number,
            "last_failure": one.last_failure,
        }
        started = one.run.log.add("activity_task_started", one.started_at, event)
    return {"scheduled_event_id": one.scheduled, "started_event_id": started}


def complete(one: ScheduledActivity, reply: Reply) -> None:
    if one.over:
        return
    event = partial(_completed, reply.result, _close(one))
    one.run.log.add("activity_task_completed", one.run.now, event)
    one.tell(completed={"result": reply.result})


def _completed(result: Payload | None, ids: dict[str, Any]) -> dict[str, Any]:
    payloads = Payloads(payloads=[result]) if result is not None else None
    return {"result": payloads, "identity": IDENTITY, **ids}


def fail(one: ScheduledActivity, failure: Failure, state: RetryState.ValueType) -> None:
    if one.over:
        return
    ids = _close(one)
    event = dict(failure=failure, retry_state=state, identity=IDENTITY, **ids)
    one.run.record("activity_task_failed", **event)
    one.tell(failed={"failure": wrap(one, "Activity task failed", failure, state, ids)})


def time_out(one: ScheduledActivity, failure: Failure, state: RetryState.ValueType) -> None:
    if one.over:
        return
    ids = _close(one)
    one.run.record("activity_task_timed_out", failure=failure, retry_state=state, **ids)
    one.tell(failed={"failure": wrap(one, "Activity task timed out", failure, state, ids)})


def cancel(one: ScheduledActivity, reply: Reply | None, requested: int) -> None:
    """`requested` is the event in which the workflow asked for it."""
    if one.over:
        return
    details: Payloads | None = None
    if reply is not None and reply.failure is not None:
        details = reply.failure.canceled_failure_info.details
    ids = _close(one)
    one.run.record(
        "activity_task_canceled",
        details=details,
        latest_cancel_requested_event_id=requested,
        identity=IDENTITY,
        **ids,
    )
    cause = failures.canceled(details)
    one.tell(cancelled={"failure": wrap(one, "Activity cancelled", cause, ids=ids)})


def wrap(
    one: ScheduledActivity,
    message: str,
    cause: Failure,
    state: RetryState.ValueType = RetryState.RETRY_STATE_CANCEL_REQUESTED,
    ids: dict[str, int] | None = None,
) -> Failure:
    """The failure as the workflow is given it."""
    return failures.of_activity(
        message,
        cause,
        activity_type=one.given.activity_type,
        activity_id=one.given.activity_id,
        retry_state=state,
        scheduled=(ids or {}).get("scheduled_event_id", 0),
        started=(ids or {}).get("started_event_id", 0),
        identity=IDENTITY if ids else "",
    )
