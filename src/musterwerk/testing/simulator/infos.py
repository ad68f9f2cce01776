"""What activities can ask about themselves, and the converters that are made for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity
from temporalio.bridge.proto.workflow_commands import ScheduleActivity, ScheduleLocalActivity
from temporalio.common import Priority, RetryPolicy
from temporalio.converter import ActivitySerializationContext

from musterwerk.testing.simulator.clock import delta, moment
from musterwerk.testing.simulator.payloads import Converter
from musterwerk.testing.simulator.retry import Policy
from musterwerk.testing.simulator.worker import NAMESPACE

if TYPE_CHECKING:
    from musterwerk.testing.simulator.activities import ScheduledActivity
    from musterwerk.testing.simulator.run import Run


def converter(run: Run, given: ScheduleActivity | ScheduleLocalActivity) -> Converter:
    """The data converter as it is for this activity."""
    is_local = isinstance(given, ScheduleLocalActivity)
    return run.simulation.converter.within(
        ActivitySerializationContext,
        namespace=NAMESPACE,
        workflow_id=run.workflow_id,
        workflow_type=run.workflow_type,
        activity_type=given.activity_type,
        activity_id=given.activity_id,
        activity_task_queue=run.task_queue if is_local else given.task_queue or run.task_queue,
        is_local=is_local,
    )


def task_token(run_id: str, activity_id: str, number: int) -> bytes:
    """Another one for each attempt."""
    return f"{run_id}/{activity_id}/{number}".encode()


def info(
    of: ScheduledActivity, number: int, heartbeat: list[object], scheduled: int, started: int
) -> activity.Info:
    """What an activity can ask about itself. Most never do."""
    run, given = of.run, of.given
    return activity.Info(
        activity_id=given.activity_id,
        activity_type=given.activity_type,
        attempt=number,
        current_attempt_scheduled_time=moment(scheduled),
        heartbeat_details=heartbeat,
        heartbeat_timeout=delta(of.limits.heartbeat),
        is_local=False,
        namespace=NAMESPACE,
        schedule_to_close_timeout=delta(of.limits.schedule_to_close),
        scheduled_time=moment(of.scheduled_at),
        start_to_close_timeout=delta(of.limits.start_to_close),
        started_time=moment(started),
        task_queue=given.task_queue or run.task_queue,
        task_token=task_token(run.run_id, given.activity_id, number),
        workflow_id=run.workflow_id,
        workflow_namespace=NAMESPACE,
        workflow_run_id=run.run_id,
        workflow_type=run.workflow_type,
        priority=Priority.default,
        retry_policy=RetryPolicy.from_proto(of.policy.message()),
        activity_run_id=None,
    )


def local_info(
    run: Run, given: ScheduleLocalActivity, policy: Policy, number: int, now: int, scheduled: int
) -> activity.Info:
    schedule_to_close = given.schedule_to_close_timeout.ToTimedelta() or None
    return activity.Info(
        activity_id=given.activity_id,
        activity_type=given.activity_type,
        attempt=number,
        current_attempt_scheduled_time=moment(now),
        heartbeat_details=[],
        heartbeat_timeout=None,
        is_local=True,
        namespace=NAMESPACE,
        schedule_to_close_timeout=schedule_to_close,
        scheduled_time=moment(scheduled),
        start_to_close_timeout=given.start_to_close_timeout.ToTimedelta() or schedule_to_close,
        started_time=moment(now),
        task_queue=run.task_queue,
        task_token=task_token(run.run_id, given.activity_id, number),
        workflow_id=run.workflow_id,
        workflow_namespace=NAMESPACE,
        workflow_run_id=run.run_id,
        workflow_type=run.workflow_type,
        priority=Priority.default,
        retry_policy=RetryPolicy.from_proto(policy.message()),
        activity_run_id=None,
    )
