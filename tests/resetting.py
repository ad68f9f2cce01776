"""Resets: a run begins again in the middle of its history."""

from __future__ import annotations

import uuid
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle

from tests.waiting import until_async

#: What the server itself notes in the history of the new run.
REASON = "try again"


async def task_after(handle: WorkflowHandle[Any, Any], activity: str) -> int:
    """The workflow task that took the activity's result, once it is complete.

    A query may be answered within it, before.
    """
    found = 0

    async def complete() -> bool:
        nonlocal found
        found = await _task_after(handle, activity)
        return found > 0

    await until_async(complete)
    return found


async def _task_after(handle: WorkflowHandle[Any, Any], activity: str) -> int:
    names: dict[int, str] = {}
    at = False
    async for event in handle.fetch_history_events():
        if event.HasField("activity_task_scheduled_event_attributes"):
            scheduled = event.activity_task_scheduled_event_attributes
            names[event.event_id] = scheduled.activity_type.name
        if event.HasField("activity_task_completed_event_attributes"):
            completed = event.activity_task_completed_event_attributes
            if names[completed.scheduled_event_id] == activity:
                at = True
        if at and event.HasField("workflow_task_completed_event_attributes"):
            return event.event_id
    return 0  # not yet


async def reset_to(
    client: Client, handle: WorkflowHandle[Any, Any], task: int
) -> WorkflowHandle[Any, Any]:
    run = (await handle.describe()).run_id
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=run),
            reason=REASON,
            workflow_task_finish_event_id=task,
            request_id=str(uuid.uuid4()),
        )
    )
    return client.get_workflow_handle(handle.id, run_id=answer.run_id)
