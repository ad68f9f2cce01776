"""Workflow tasks that come to nothing: failed, lost, refused, or forgotten by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import TimeoutType, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure

from musterwerk.testing.simulator.worker import IDENTITY

if TYPE_CHECKING:
    from musterwerk.testing.simulator.tasks import WorkflowTask


def fail(task: WorkflowTask, cause: str, failure: Failure) -> None:
    """A bug in the workflow's code. It is tried again when something new arrives."""
    run = task.run
    if run.task_failure is None:
        _record_failure(task, cause, failure)
    else:
        _forget_events(task)
    run.task_failure = failure
    if failure.message not in run.task_failures:
        run.task_failures.append(failure.message)
    _discard(task)
    run.flush()


def refuse(task: WorkflowTask) -> None:
    """The server lets no workflow end that does not know all that has arrived meanwhile."""
    _record_failure(task, "UNHANDLED_COMMAND", None)
    _discard(task)


def time_out(task: WorkflowTask) -> None:
    """The worker has died."""
    run = task.run
    run.record(
        "workflow_task_timed_out",
        scheduled_event_id=task.scheduled,
        started_event_id=task.started,
        timeout_type=TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE,
    )
    _discard(task)
    run.flush()
    run.simulation.wake(run)


def was_nothing(task: WorkflowTask) -> bool:
    """True if all it brought were updates that were rejected: the server forgets the task."""
    return bool(task.jobs) and all(
        job.HasField("do_update") and job.do_update.protocol_instance_id in task.rejected
        for job in task.jobs
    )


def forget(task: WorkflowTask) -> None:
    _forget_events(task)
    task.run.task = None
    task.run.cache.forget_task()


def _forget_events(task: WorkflowTask) -> None:
    task.run.log.forget_after(task.before)
    task.run.forgotten.add(task.view.number)


def _record_failure(task: WorkflowTask, cause: str, failure: Failure | None) -> None:
    task.run.record(
        "workflow_task_failed",
        scheduled_event_id=task.scheduled,
        started_event_id=task.started,
        cause=WorkflowTaskFailedCause.Value("WORKFLOW_TASK_FAILED_CAUSE_" + cause),
        failure=failure,
        identity=IDENTITY,
    )


def _discard(task: WorkflowTask) -> None:
    """As if this task had never been done: what it brought will come again."""
    run = task.run
    for act in reversed(task.to_undo):
        act()
    run.cache.evict()
    run.cache.forget_task()
    run.jobs = task.jobs
    run.task = None
