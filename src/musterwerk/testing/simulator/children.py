"""Child workflows: started, cancelled, waited for, and what becomes of them with their parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.enums.v1 import (
    ParentClosePolicy,
    RetryState,
    StartChildWorkflowExecutionFailedCause,
    WorkflowIdReusePolicy,
)
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.child_workflow import ChildWorkflowCancellationType
from temporalio.bridge.proto.workflow_commands import (
    CancelChildWorkflowExecution,
    StartChildWorkflowExecution,
)

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator import beginning, births, endings, failures
from musterwerk.testing.simulator.clock import span
from musterwerk.testing.simulator.external import OutgoingCancel
from musterwerk.testing.simulator.worker import NAMESPACE

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

_AT_ONCE = (ChildWorkflowCancellationType.ABANDON, ChildWorkflowCancellationType.TRY_CANCEL)
_TERMINATE = (
    ParentClosePolicy.PARENT_CLOSE_POLICY_UNSPECIFIED,
    ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE,
)


def start(run: Run, given: StartChildWorkflowExecution) -> None:
    if given.cron_schedule:
        raise SimulationError(
            f"{run.workflow_type} starts a child on a cron schedule, which the simulator does not"
            " support: test it against a server"
        )
    run.children[given.seq] = Child(run, given)


def cancel(run: Run, given: CancelChildWorkflowExecution) -> None:
    run.children[given.child_workflow_seq].cancel(given.reason)


class Child:
    """A child as its parent knows it. `run` is its newest run, once it was started."""

    def __init__(self, parent: Run, given: StartChildWorkflowExecution) -> None:
        self.parent = parent
        self.given = given
        self.initiated = 0
        self.run: Run | None = None
        self._started = 0
        self._told = False
        self._sent = parent.command(self._initiate)

    # What the parent sees.

    def cancel(self, reason: str) -> None:
        if self._told:
            return
        if not self.initiated:
            self._sent.dropped = True
            self._told = True
            message = f"Child Workflow Execution cancelled before scheduled: {reason}"
            failure = self._wrap(message, failures.canceled())
            self._start_resolved(cancelled={"failure": failure})
            return
        kind = self.given.cancellation_type
        if kind != ChildWorkflowCancellationType.ABANDON:
            run_id = self.run.run_id if self.run and self._started else ""
            OutgoingCancel(self.parent, self.given.workflow_id, run_id, reason, seq=None)
        if kind in _AT_ONCE:
            self.parent.open_task.undo(self._untell)
            failure = self._wrap("Child Workflow execution cancelled", failures.canceled())
            self._tell(cancelled={"failure": failure})

    def _untell(self) -> None:
        self._told = False

    def _tell(self, **result: Any) -> None:
        if not self._told:
            self._told = True
            resolved = {"seq": self.given.seq, "result": result}
            self.parent.job(resolve_child_workflow_execution=resolved)

    def _start_resolved(self, **status: Any) -> None:
        self.parent.job(resolve_child_workflow_execution_start={"seq": self.given.seq, **status})

    # What happens on the server.

    def _initiate(self, completed: int) -> None:
        given, parent = self.given, self.parent
        self.initiated = parent.record(
            "start_child_workflow_execution_initiated",
            namespace=NAMESPACE,
            workflow_id=given.workflow_id,
            workflow_type={"name": given.workflow_type},
            task_queue={"name": given.task_queue or parent.task_queue},
            input=Payloads(payloads=given.input) if given.input else None,
            workflow_execution_timeout=given.workflow_execution_timeout,
            workflow_run_timeout=given.workflow_run_timeout,
            workflow_task_timeout=given.workflow_task_timeout,
            parent_close_policy=int(given.parent_close_policy),
            workflow_task_completed_event_id=completed,
            workflow_id_reuse_policy=given.workflow_id_reuse_policy,
            retry_policy=given.retry_policy if given.HasField("retry_policy") else None,
            header={"fields": dict(given.headers)},
        )
        parent.simulation.agenda.at(parent.now, self._create)

    def _create(self) -> None:
        given, parent = self.given, self.parent
        abandoned = given.parent_close_policy == ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON
        if parent.closed and not abandoned:
            return
        name = given.workflow_type
        if not self._id_is_free():
            parent.deliver(0, "child not started", name, self._exists)
            return
        self.run = births.start(parent.simulation, self._birth())
        if parent.closed:
            beginning.begin(self.run)
        else:
            parent.deliver(0, "child started", name, self._begin)

    def _id_is_free(self) -> bool:
        reuse = self.given.workflow_id_reuse_policy
        last = self.parent.simulation.newest(self.given.workflow_id)
        if last is None:
            return True
        if not last.closed:
            if reuse != WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING:
                return False
            endings.terminate(last, "TerminateIfRunning WorkflowIdReusePolicy Policy")
            return True
        if reuse == WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE:
            return False
        failed_only = WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
        return reuse != failed_only or last.status != "completed"

    def _birth(self) -> births.Birth:
        given = self.given
        return births.Birth(
            workflow_type=given.workflow_type,
            workflow_id=given.workflow_id,
            task_queue=given.task_queue or self.parent.task_queue,
            arguments=list(given.input),
            headers=dict(given.headers),
            memo=dict(given.memo),
            search_attributes=dict(given.search_attributes.indexed_fields),
            execution_timeout=span(given.workflow_execution_timeout),
            run_timeout=span(given.workflow_run_timeout),
            retry_policy=given.retry_policy if given.HasField("retry_policy") else None,
            child=self,
        )

    def _begin(self) -> None:
        if self.run is None:
            return
        self._started = self.parent.record(
            "child_workflow_execution_started", **self._ids(with_started=False)
        )
        if not self._told:
            self._start_resolved(succeeded={"run_id": self.run.run_id})
        self.parent.simulation.wake(self.parent)
        beginning.begin(self.run)

    def _exists(self) -> None:
        cause = StartChildWorkflowExecutionFailedCause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS  # noqa: E501
        given = self.given
        self.parent.record(
            "start_child_workflow_execution_failed",
            namespace=NAMESPACE,
            workflow_id=given.workflow_id,
            workflow_type={"name": given.workflow_type},
            cause=cause,
            initiated_event_id=self.initiated,
        )
        if not self._told:
            self._told = True
            failed = {"workflow_id": given.workflow_id, "workflow_type": given.workflow_type}
            self._start_resolved(failed={**failed, "cause": 1})

    def closed(self, run: Run) -> None:
        """A run of the child has ended and none follows it."""
        kind, name = "child closed", self.given.workflow_type
        self.parent.deliver(0, kind, name, lambda: self._record_closed(run), last=True)

    def _record_closed(self, run: Run) -> None:
        ids = self._ids()
        cause = run.failure or Failure()
        retry: RetryState.ValueType = run.retry_state
        if run.status == "completed":
            result = Payloads(payloads=[run.result]) if run.result is not None else None
            self.parent.record("child_workflow_execution_completed", result=result, **ids)
            self._tell(completed={"result": run.result})
        elif run.status == "failed":
            event = "child_workflow_execution_failed"
            self.parent.record(event, failure=cause, retry_state=retry, **ids)
            self._failed("Child Workflow execution failed", cause, retry)
        elif run.status == "canceled":
            self.parent.record("child_workflow_execution_canceled", **ids)
            failure = self._wrap("Child Workflow execution cancelled", failures.canceled())
            self._tell(cancelled={"failure": failure})
        elif run.status == "timed_out":
            self.parent.record("child_workflow_execution_timed_out", retry_state=retry, **ids)
            self._failed("Child Workflow execution timed out", failures.child_timed_out(), retry)
        else:
            self.parent.record("child_workflow_execution_terminated", **ids)
            message = "Child Workflow execution terminated"
            self._failed(message, failures.child_terminated())

    def _failed(
        self,
        message: str,
        cause: Failure,
        retry: RetryState.ValueType = RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE,
    ) -> None:
        self._tell(failed={"failure": self._wrap(message, cause, retry)})

    def _ids(self, *, with_started: bool = True) -> dict[str, Any]:
        ids: dict[str, Any] = {
            "namespace": NAMESPACE,
            "initiated_event_id": self.initiated,
            "workflow_execution": self._execution(),
            "workflow_type": {"name": self.given.workflow_type},
        }
        if with_started:
            ids["started_event_id"] = self._started
        return ids

    def _execution(self) -> WorkflowExecution:
        run_id = self.run.run_id if self.run else ""
        return WorkflowExecution(workflow_id=self.given.workflow_id, run_id=run_id)

    def _wrap(
        self,
        message: str,
        cause: Failure,
        retry: RetryState.ValueType = RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE,
    ) -> Failure:
        return failures.of_child(
            message,
            cause,
            namespace=NAMESPACE,
            execution=self._execution() if self._started else WorkflowExecution(
                workflow_id=self.given.workflow_id
            ),
            workflow_type=self.given.workflow_type,
            retry_state=retry,
            initiated=self.initiated,
            started=self._started,
        )  # fmt: skip

    def parent_closed(self) -> None:
        """The policy takes effect on the newest run of the child."""
        run = self.run
        while run is not None and run.next_run is not None:
            run = run.next_run
        if run is None or run.closed:
            return
        policy = self.given.parent_close_policy
        if policy in _TERMINATE:
            endings.terminate(run, "by parent close policy")
        elif policy == ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL:
            run.deliver_cancel("by parent close policy")
        if not run.closed:
            beginning.begin(run)
