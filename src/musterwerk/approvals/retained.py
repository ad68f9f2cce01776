"""What Temporal still knows of the requests, for comparing the audit trail with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from musterwerk.approvals.model import RECORD, WORKFLOW
from musterwerk.approvals.state import Status
from musterwerk.store.auditing.verdict import Asked, Retained

#: Each question replays a history in a worker.
_AT_ONCE = 8
_PATIENCE = timedelta(seconds=10)


async def retained(client: Client, task_queue: str | None = None) -> Asked:
    """Ask all executions, open and closed; needs a worker. The latest run of each counts.

    `task_queue` leaves out those of other workers, whose trail is in another database.
    """
    query = f"WorkflowType = '{WORKFLOW}'"
    if task_queue is not None:
        query += f" AND TaskQueue = {quoted(task_queue)}"
    slots = asyncio.Semaphore(_AT_ONCE)
    found: dict[tuple[str, str], Retained] = {}
    silent: list[str] = []

    async def ask(execution: WorkflowExecution) -> tuple[WorkflowExecution, Any]:
        async with slots:
            return execution, await _record(client, execution)

    # Latest first, as Temporal lists them.
    executions = [one async for one in client.list_workflows(query)]
    own = [one for one in executions if one.status is not _CONTINUED]
    for execution, record in await asyncio.gather(*map(ask, own)):
        if record is None:
            silent.append(execution.id)
        elif record:
            one = _read(execution, record)
            found.setdefault((one.request_id, str(one.started_at)), one)
    return Asked(tuple(found.values()), tuple(silent))


_CONTINUED = WorkflowExecutionStatus.CONTINUED_AS_NEW
_COMPLETED = WorkflowExecutionStatus.COMPLETED


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


async def _record(client: Client, execution: WorkflowExecution) -> dict[str, Any] | None:
    """Empty where there is nothing yet, or was refused at the start; None without an answer."""
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    try:
        return await handle.query(RECORD, rpc_timeout=_PATIENCE) or {}
    except (RPCError, WorkflowQueryFailedError):
        return None


def _read(execution: WorkflowExecution, record: dict[str, Any]) -> Retained:
    """Whoever was ended from outside may have written a step that was not taken any more."""
    status = Status.read(record["status"])
    return Retained(
        request_id=status.request_id,
        started_at=status.story_at,
        version=record["version"],
        record=record["record"],
        may_grow=execution.status is not _COMPLETED,
    )
