"""Signals and cancel requests from one workflow to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temporalio.api.common.v1 import Payloads, WorkflowExecution
from temporalio.api.enums.v1 import (
    CancelExternalWorkflowExecutionFailedCause,
    SignalExternalWorkflowExecutionFailedCause,
)
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_commands import (
    CancelSignalWorkflow,
    RequestCancelExternalWorkflowExecution,
    SignalExternalWorkflowExecution,
)

from musterwerk.testing.simulator import failures, incoming
from musterwerk.testing.simulator.worker import NAMESPACE

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run
    from musterwerk.testing.simulator.tasks import Command


def signal(run: Run, given: SignalExternalWorkflowExecution) -> None:
    run.signals[given.seq] = OutgoingSignal(run, given)


def cancel_signal(run: Run, given: CancelSignalWorkflow) -> None:
    run.signals[given.seq].cancel()


class OutgoingSignal:
    def __init__(self, run: Run, given: SignalExternalWorkflowExecution) -> None:
        self._run = run
        self._given = given
        self._initiated = 0
        child = given.WhichOneof("target") == "child_workflow_id"
        self._child_only = child
        self._to = WorkflowExecution(
            workflow_id=given.child_workflow_id if child else given.workflow_execution.workflow_id,
            run_id="" if child else given.workflow_execution.run_id,
        )
        self._sent: Command = run.command(self._initiate)

    def cancel(self) -> None:
        """Only what has not left the workflow task can be taken back."""
        if self._initiated or self._sent.dropped:
            return
        self._sent.dropped = True
        failure = failures.canceled()
        failure.message = "Signal was cancelled before being sent"
        seq = self._given.seq
        self._run.job(resolve_signal_external_workflow={"seq": seq, "failure": failure})

    def _initiate(self, completed: int) -> None:
        given = self._given
        self._initiated = self._run.record(
            "signal_external_workflow_execution_initiated",
            namespace=NAMESPACE,
            workflow_execution=self._to,
            signal_name=given.signal_name,
            input=Payloads(payloads=given.args) if given.args else None,
            header={"fields": dict(given.headers)},
            child_workflow_only=self._child_only,
            workflow_task_completed_event_id=completed,
        )
        # It goes out also when the workflow has ended with this very task.
        self._run.simulation.agenda.at(self._run.now, self._send)

    def _send(self) -> None:
        run, given = self._run, self._given
        target = run.simulation.register.running(self._to.workflow_id, self._to.run_id)
        if target is None or (self._child_only and not run.is_parent_of(target)):
            run.deliver(0, "signal failed", given.signal_name, self._not_found)
            return
        incoming.signal(target, given.signal_name, list(given.args), dict(given.headers))
        run.deliver(0, "signal sent", given.signal_name, self._arrived)

    def _arrived(self) -> None:
        self._run.record(
            "external_workflow_execution_signaled",
            initiated_event_id=self._initiated,
            namespace=NAMESPACE,
            workflow_execution=self._to,
        )
        self._run.job(resolve_signal_external_workflow={"seq": self._given.seq})

    def _not_found(self) -> None:
        cause = (
            SignalExternalWorkflowExecutionFailedCause
            .SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND
        )  # fmt: skip
        self._run.record(
            "signal_external_workflow_execution_failed",
            cause=cause,
            initiated_event_id=self._initiated,
            namespace=NAMESPACE,
            workflow_execution=self._to,
        )
        failure = _not_found("Unable to signal external workflow because it was not found")
        seq = self._given.seq
        self._run.job(
            resolve_signal_external_workflow={"seq": seq, "failure": failure, "cause": cause}
        )


def request_cancel(run: Run, given: RequestCancelExternalWorkflowExecution) -> None:
    to = given.workflow_execution
    reason = f"Cancel requested by workflow with run id {run.run_id} with reason: {given.reason}"
    OutgoingCancel(run, to.workflow_id, to.run_id, reason, seq=given.seq)


class OutgoingCancel:
    """`seq` is None where core asks on behalf of a child's cancellation: nobody is told."""

    def __init__(
        self, run: Run, workflow_id: str, run_id: str, reason: str, *, seq: int | None
    ) -> None:
        self._run = run
        self._to = WorkflowExecution(workflow_id=workflow_id, run_id=run_id)
        self._reason = reason
        self._seq = seq
        self._initiated = 0
        run.command(self._initiate)

    def _initiate(self, completed: int) -> None:
        self._initiated = self._run.record(
            "request_cancel_external_workflow_execution_initiated",
            namespace=NAMESPACE,
            workflow_execution=self._to,
            child_workflow_only=self._seq is None,
            reason=self._reason,
            workflow_task_completed_event_id=completed,
        )
        self._run.simulation.agenda.at(self._run.now, self._send)

    def _send(self) -> None:
        run = self._run
        target = run.simulation.register.running(self._to.workflow_id, self._to.run_id)
        if target is None or (self._seq is None and not run.is_parent_of(target)):
            run.deliver(0, "cancel failed", self._to.workflow_id, self._not_found)
            return
        incoming.cancel(target, self._reason)
        run.deliver(0, "cancel sent", self._to.workflow_id, self._arrived)

    def _ids(self) -> dict[str, Any]:
        return {
            "initiated_event_id": self._initiated,
            "namespace": NAMESPACE,
            "workflow_execution": self._to,
        }

    def _arrived(self) -> None:
        self._run.record("external_workflow_execution_cancel_requested", **self._ids())
        if self._seq is not None:
            self._run.job(resolve_request_cancel_external_workflow={"seq": self._seq})

    def _not_found(self) -> None:
        cause = (
            CancelExternalWorkflowExecutionFailedCause
            .CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED_CAUSE_EXTERNAL_WORKFLOW_EXECUTION_NOT_FOUND
        )  # fmt: skip
        event = "request_cancel_external_workflow_execution_failed"
        self._run.record(event, cause=cause, **self._ids())
        if self._seq is not None:
            failure = _not_found("Unable to cancel external workflow because not found")
            result = {"seq": self._seq, "failure": failure, "cause": cause}
            self._run.job(resolve_request_cancel_external_workflow=result)


def _not_found(message: str) -> Failure:
    failure = Failure(message=message)
    failure.application_failure_info.type = "ExternalWorkflowExecutionNotFound"
    return failure
