"""How a child workflow comes to be: asked for, made if its id is free, made known to its parent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import (
    ParentClosePolicy,
    StartChildWorkflowExecutionFailedCause,
    WorkflowIdReusePolicy,
)

from musterwerk.testing.simulator import beginning, births, endings
from musterwerk.testing.simulator.clock import span
from musterwerk.testing.simulator.worker import NAMESPACE

if TYPE_CHECKING:
    from musterwerk.testing.simulator.children import Child


def initiate(child: Child, completed: int) -> None:
    """The command has reached the server."""
    given, parent = child.given, child.parent
    child.initiated = parent.record(
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
    parent.simulation.agenda.at(parent.now, partial(_create, child))


def _create(child: Child) -> None:
    given, parent = child.given, child.parent
    abandoned = given.parent_close_policy == ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON
    if parent.closed and not abandoned:
        return
    name = given.workflow_type
    if not _id_is_free(child):
        parent.deliver(0, "child not started", name, partial(_exists, child))
        return
    child.run = births.start(parent.simulation, _birth(child))
    if parent.closed:
        beginning.begin(child.run)
    else:
        parent.deliver(0, "child started", name, partial(_begin, child))


def _id_is_free(child: Child) -> bool:
    reuse = child.given.workflow_id_reuse_policy
    last = child.parent.simulation.register.newest(child.given.workflow_id)
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


def _birth(child: Child) -> births.Birth:
    given = child.given
    return births.Birth(
        workflow_type=given.workflow_type,
        workflow_id=given.workflow_id,
        task_queue=given.task_queue or child.parent.task_queue,
        arguments=list(given.input),
        headers=dict(given.headers),
        memo=dict(given.memo),
        search_attributes=dict(given.search_attributes.indexed_fields),
        execution_timeout=span(given.workflow_execution_timeout),
        run_timeout=span(given.workflow_run_timeout),
        retry_policy=given.retry_policy if given.HasField("retry_policy") else None,
        child=child,
    )


def _begin(child: Child) -> None:
    if child.run is None:
        return
    child.started = child.parent.record(
        "child_workflow_execution_started", **child.ids(with_started=False)
    )
    if not child.told:
        child.start_resolved(succeeded={"run_id": child.run.run_id})
    child.parent.simulation.wake(child.parent)
    beginning.begin(child.run)


def _exists(child: Child) -> None:
    cause = StartChildWorkflowExecutionFailedCause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS  # noqa: E501
    given = child.given
    child.parent.record(
        "start_child_workflow_execution_failed",
        namespace=NAMESPACE,
        workflow_id=given.workflow_id,
        workflow_type={"name": given.workflow_type},
        cause=cause,
        initiated_event_id=child.initiated,
    )
    if not child.told:
        child.told = True
        failed = {"workflow_id": given.workflow_id, "workflow_type": given.workflow_type}
        child.start_resolved(failed={**failed, "cause": 1})
