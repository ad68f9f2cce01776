"""What a parent learns of the end of its child, and a child of the end of its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import ParentClosePolicy, RetryState
from temporalio.api.failure.v1 import Failure

from musterwerk.testing.simulator import beginning, endings, failures, incoming

if TYPE_CHECKING:
    from musterwerk.testing.simulator.children import Child
    from musterwerk.testing.simulator.run import Run

_TERMINATE = (
    ParentClosePolicy.PARENT_CLOSE_POLICY_UNSPECIFIED,
    ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
)


def child_closed(child: Child, run: Run) -> None:
    """A run of the child has ended and none follows it."""
    kind, name = "child closed", child.given.workflow_type
    child.parent.deliver(0, kind, name, lambda: _record_closed(child, run), last=True)


def _record_closed(child: Child, run: Run) -> None:
    parent, ids = child.parent, child.ids()
    cause = run.failure or Failure()
    retry: RetryState.ValueType = run.retry_state
    if run.status == "completed":
        result = Payloads(payloads=[run.result]) if run.result is not None else None
        parent.record("child_workflow_execution_completed", result=result, **ids)
        child.tell(completed={"result": run.result})
    elif run.status == "failed":
        event = "child_workflow_execution_failed"
        parent.record(event, failure=cause, retry_state=retry, **ids)
        _failed(child, "Child Workflow execution failed", cause, retry)
    elif run.status == "canceled":
        parent.record("child_workflow_execution_canceled", **ids)
        failure = child.wrap("Child Workflow execution cancelled", failures.canceled())
        child.tell(cancelled={"failure": failure})
    elif run.status == "timed_out":
        parent.record("child_workflow_execution_timed_out", retry_state=retry, **ids)
        _failed(child, "Child Workflow execution timed out", failures.child_timed_out(), retry)
    else:
        parent.record("child_workflow_execution_terminated", **ids)
        _failed(child, "Child Workflow execution terminated", failures.child_terminated())


def _failed(
    child: Child,
    message: str,
    cause: Failure,
    retry: RetryState.ValueType = RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE,
) -> None:
    child.tell(failed={"failure": child.wrap(message, cause, retry)})


def parent_closed(child: Child) -> None:
    """The policy takes effect on the newest run of the child."""
    run = child.run
    while run is not None and run.next_run is not None:
        run = run.next_run
    if run is None or run.closed:
        return
    policy = child.given.parent_close_policy
    if policy in _TERMINATE:
        endings.terminate(run, "by parent close policy")
    elif policy == ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL:
        incoming.cancel(run, "by parent close policy")
    if not run.closed:
        beginning.begin(run)
