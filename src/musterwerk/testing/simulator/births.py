"""How a run comes to be: by a client, a parent, a run before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import temporalio.common
from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import (
    Memo,
    Payload,
    Payloads,
    RetryPolicy,
    SearchAttributes,
    WorkflowExecution,
)
from temporalio.api.enums.v1 import ContinueAsNewInitiator
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import InitializeWorkflow

from musterwerk.testing.simulator.clock import duration
from musterwerk.testing.simulator.log import timestamp
from musterwerk.testing.simulator.run import Run
from musterwerk.testing.simulator.seeds import randomness_seed
from musterwerk.testing.simulator.worker import IDENTITY, NAMESPACE

if TYPE_CHECKING:
    from musterwerk.testing.simulator.children import Child
    from musterwerk.testing.simulator.simulation import Simulation


def no_payloads() -> dict[str, Payload]:
    return {}


@dataclass(slots=True)
class Birth:
    """All that a run is given. Durations are in nanoseconds, 0 where there is no limit.

    Nobody changes it. To be frozen would make it slower to make than all else in a run's birth.
    """

    workflow_type: str
    workflow_id: str
    task_queue: str
    arguments: list[Payload]
    headers: dict[str, Payload] = field(default_factory=no_payloads)
    memo: dict[str, Payload] = field(default_factory=no_payloads)
    search_attributes: dict[str, Payload] = field(default_factory=no_payloads)
    execution_timeout: int = 0
    execution_deadline: int = 0
    run_timeout: int = 0
    retry_policy: RetryPolicy | None = None
    attempt: int = 1
    delay: int = 0
    before: Run | None = None
    initiator: ContinueAsNewInitiator.ValueType = (
        ContinueAsNewInitiator.CONTINUE_AS_NEW_INITIATOR_UNSPECIFIED
    )
    last_result: Payloads | None = None
    last_failure: Failure | None = None
    child: Child | None = None


def start(simulation: Simulation, birth: Birth) -> Run:
    """Make the run; its first task comes after `birth.delay`."""
    simulation.workflows.definition(birth.workflow_type)
    run_id = simulation.ids.run_id()
    before = birth.before
    first = before.init.first_execution_run_id if before else run_id
    deadline = birth.execution_deadline
    if birth.execution_timeout and not deadline:
        deadline = simulation.agenda.now + birth.execution_timeout
    init = InitializeWorkflow(
        workflow_type=birth.workflow_type,
        workflow_id=birth.workflow_id,
        arguments=birth.arguments,
        randomness_seed=randomness_seed(run_id),
        headers=birth.headers or None,
        identity=IDENTITY,
        workflow_execution_timeout=duration(birth.execution_timeout),
        workflow_run_timeout=duration(birth.run_timeout),
        workflow_task_timeout=Duration(seconds=10),
        continued_from_execution_run_id=before.run_id if before else "",
        continued_initiator=birth.initiator,
        continued_failure=birth.last_failure,
        last_completion_result=birth.last_result,
        first_execution_run_id=first,
        retry_policy=birth.retry_policy,
        attempt=birth.attempt,
        memo=Memo(fields=birth.memo) if birth.memo else None,
        search_attributes=SearchAttributes(indexed_fields=birth.search_attributes)
        if birth.search_attributes
        else None,
        start_time=timestamp(simulation.agenda.now),
        original_execution_run_id=run_id,
    )
    root = _family(init, birth, run_id)
    run = Run(simulation, birth, init, run_id=run_id, root=root, deadline=deadline)
    event = partial(_event, birth, init, run_id, root)
    run.log.add("workflow_execution_started", run.now, event)
    run.job(initialize_workflow=init)
    simulation.register.add(run)
    return run


def _event(
    birth: Birth, init: InitializeWorkflow, run_id: str, root: WorkflowExecution
) -> dict[str, Any]:
    started: dict[str, Any] = {
        "workflow_type": {"name": birth.workflow_type},
        "workflow_id": birth.workflow_id,
        "task_queue": {"name": birth.task_queue},
        "input": Payloads(payloads=birth.arguments) if birth.arguments else None,
        "header": {"fields": birth.headers},
        "memo": init.memo if birth.memo else None,
        "search_attributes": init.search_attributes if birth.search_attributes else None,
        "workflow_execution_timeout": init.workflow_execution_timeout,
        "workflow_run_timeout": init.workflow_run_timeout,
        "workflow_task_timeout": init.workflow_task_timeout,
        "continued_execution_run_id": init.continued_from_execution_run_id,
        "initiator": birth.initiator,
        "continued_failure": birth.last_failure,
        "last_completion_result": birth.last_result,
        "original_execution_run_id": run_id,
        "first_execution_run_id": init.first_execution_run_id,
        "identity": IDENTITY,
        "attempt": birth.attempt,
        "retry_policy": birth.retry_policy,
        "first_workflow_task_backoff": duration(birth.delay),
        "root_workflow_execution": root,
    }
    if birth.child is not None:
        started["parent_workflow_namespace"] = NAMESPACE
        started["parent_workflow_execution"] = birth.child.parent.execution
        started["parent_initiated_event_id"] = birth.child.initiated
    return started


def _family(init: InitializeWorkflow, birth: Birth, run_id: str) -> WorkflowExecution:
    """Tell the run of its parent; give the root of the tree it belongs to."""
    if birth.child is not None:
        parent = birth.child.parent
        info = init.parent_workflow_info
        info.namespace = NAMESPACE
        info.workflow_id = parent.workflow_id
        info.run_id = parent.run_id
        root = parent.root
    elif birth.before is not None:
        root = birth.before.root
    else:
        root = WorkflowExecution(workflow_id=birth.workflow_id, run_id=run_id)
    init.root_workflow.CopyFrom(root)
    return root


def policy(given: temporalio.common.RetryPolicy | None) -> RetryPolicy | None:
    if given is None:
        return None
    message = RetryPolicy()
    given.apply_to_proto(message)
    return message
