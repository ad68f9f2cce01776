"""Child workflows as their parents see them: started, cancelled, waited for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import RetryState
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.child_workflow import ChildWorkflowCancellationType
from temporalio.bridge.proto.workflow_commands import (
    CancelChildWorkflowExecution,
    StartChildWorkflowExecution,
)

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator import child_starts, failures
from musterwerk.testing.simulator.external import OutgoingCancel
from musterwerk.testing.simulator.worker import NAMESPACE

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

_AT_ONCE = (ChildWorkflowCancellationType.ABANDON, ChildWorkflowCancellationType.TRY_CANCEL)


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
    """`run` is its newest run, once it was made; `initiated` and `started` are events of its
    parent, 0 before; `told` tells whether the parent knows how it ended."""

    def __init__(self, parent: Run, given: StartChildWorkflowExecution) -> None:
        self.parent = parent
        self.given = given
        self.initiated = 0
        self.started = 0
        self.told = False
        self.run: Run | None = None
        self._sent = parent.command(partial(child_starts.initiate, self))

    def cancel(self, reason: str) -> None:
        if self.told:
            return
        if not self.initiated:
            self._sent.dropped = True
            self.told = True
            message = f"Child Workflow Execution cancelled before scheduled: {reason}"
            failure = self.wrap(message, failures.canceled())
            self.start_resolved(cancelled={"failure": failure})
            return
        kind = self.given.cancellation_type
        if kind != ChildWorkflowCancellationType.ABANDON:
            run_id = self.run.run_id if self.run and self.started else ""
            OutgoingCancel(self.parent, self.given.workflow_id, run_id, reason, seq=None)
        if kind in _AT_ONCE:
            self.parent.open_task.undo(self._untell)
            failure = self.wrap("Child Workflow execution cancelled", failures.canceled())
            self.tell(cancelled={"failure": failure})

    def _untell(self) -> None:
        self.told = False

    def tell(self, **result: Any) -> None:
        """Resolve the child for its parent, the first time only."""
        if not self.told:
            self.told = True
            resolved = {"seq": self.given.seq, "result": result}
            self.parent.job(resolve_child_workflow_execution=resolved)

    def start_resolved(self, **status: Any) -> None:
        self.parent.job(resolve_child_workflow_execution_start={"seq": self.given.seq, **status})

    def ids(self, *, with_started: bool = True) -> dict[str, Any]:
        """What the events of the parent name it by."""
        ids: dict[str, Any] = {
            "namespace": NAMESPACE,
            "initiated_event_id": self.initiated,
            "workflow_execution": self._execution(),
            "workflow_type": {"name": self.given.workflow_type},
        }
        if with_started:
            ids["started_event_id"] = self.started
        return ids

    def _execution(self) -> WorkflowExecution:
        run_id = self.run.run_id if self.run else ""
        return WorkflowExecution(workflow_id=self.given.workflow_id, run_id=run_id)

    def wrap(
        self,
        message: str,
        cause: Failure,
        retry: RetryState.ValueType = RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE,
    ) -> Failure:
        """The failure as the parent is given it."""
        return failures.of_child(
            message,
            cause,
            namespace=NAMESPACE,
            execution=self._execution() if self.started else WorkflowExecution(
                workflow_id=self.given.workflow_id
            ),
            workflow_type=self.given.workflow_type,
            retry_state=retry,
            initiated=self.initiated,
            started=self.started,
        )  # fmt: skip
