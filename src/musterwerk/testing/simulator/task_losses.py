"""Workflow tasks that come to nothing: what they brought comes again with another one."""

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
        run.log.forget_after(task.before)
        run.forgotten.add(task.view.number)
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
    """As if this task had never been done."""
    run = task.run
    for act in reversed(task.to_undo):
        act()
    run.cache.evict()
    run.cache.forget_task()
    run.jobs = task.jobs
    run.task = None
