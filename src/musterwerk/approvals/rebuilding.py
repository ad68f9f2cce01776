"""The inbox anew, from what Temporal knows: `musterwerk approvals rebuild`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.service import RPCError

from musterwerk.approvals.keeping import telling
from musterwerk.approvals.model import RECORD, TASK_QUEUE, WORKFLOW
from musterwerk.approvals.outside import ended_outside
from musterwerk.approvals.retained import quoted
from musterwerk.approvals.state import Record
from musterwerk.store.inbox import InboxTable
from musterwerk.store.telling import Telling

_SIDE_BY_SIDE = 8
#: So many requests are replaced in one transaction.
_AT_ONCE = 100
_PATIENCE = timedelta(seconds=10)


@dataclass
class Rebuilt:
    """`silent` did not answer, and stay as they were. `refused` never asked anybody. `kept` are
    in the database alone, as Temporal has forgotten them: `kept_open` of them look open."""

    written: int = 0
    silent: list[str] = field(default_factory=list[str])
    refused: int = 0
    kept: int = 0
    kept_open: list[str] = field(default_factory=list[str])


async def rebuild(
    client: Client,
    inbox: InboxTable,
    advance: Callable[[int], object] = lambda done: None,
    *,
    task_queue: str = TASK_QUEUE,
) -> Rebuilt:
    """Ask every execution that is open or retained, and put its word in place of what is there.

    The inbox can be read all the while: rows are replaced some at a time, each time in one
    transaction, and what a workflow has told meanwhile stays. Nobody is notified, and nothing is
    audited. What was ended from outside, such as by `temporal workflow terminate`, is withdrawn
    then. Needs a worker that serves the requests; those of another `task_queue` are in
    another database.
    """
    result = Rebuilt()
    latest = await _latest(client, task_queue)
    waiting: list[Telling] = []
    async for execution, told in _asked(client, list(latest.values()), advance):
        if told is not None:
            waiting.append(told)
        elif execution.status is WorkflowExecutionStatus.FAILED:
            result.refused += 1
        else:
            result.silent.append(execution.id)
        if len(waiting) >= _AT_ONCE:
            result.written += await _replace(inbox, waiting)
    result.written += await _replace(inbox, waiting)
    for request_id, is_open in await asyncio.to_thread(inbox.known):
        if request_id not in latest:
            result.kept += 1
            if is_open:
                result.kept_open.append(request_id)
    return result


async def _latest(client: Client, task_queue: str) -> dict[str, WorkflowExecution]:
    """An id that was used again counts with its last run."""
    found: dict[str, WorkflowExecution] = {}
    query = f"WorkflowType = '{WORKFLOW}' AND TaskQueue = {quoted(task_queue)}"
    async for execution in client.list_workflows(query):
        known = found.get(execution.id)
        if known is None or known.start_time < execution.start_time:
            found[execution.id] = execution
    return found


async def _asked(
    client: Client, executions: list[WorkflowExecution], advance: Callable[[int], object]
) -> AsyncIterator[tuple[WorkflowExecution, Telling | None]]:
    few = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def ask(execution: WorkflowExecution) -> tuple[WorkflowExecution, Telling | None]:
        async with few:
            return execution, await _ask(client, execution)

    # Not all at once, where there are a million of them.
    for start in range(0, len(executions), _AT_ONCE):
        some = executions[start : start + _AT_ONCE]
        for done in await asyncio.gather(*(ask(execution) for execution in some)):
            yield done
        advance(start + len(some))


async def _ask(client: Client, execution: WorkflowExecution) -> Telling | None:
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    try:
        given: dict[str, Any] | None = await handle.query(
            RECORD, result_type=dict[str, Any], rpc_timeout=_PATIENCE
        )
    except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return None
    if given is None:
        return None
    record = Record.read(given)
    if execution.close_time is not None:
        record = ended_outside(record, execution.close_time)
    return telling(record)


async def _replace(inbox: InboxTable, waiting: list[Telling]) -> int:
    count = len(waiting)
    await asyncio.to_thread(inbox.replace, list(waiting))
    waiting.clear()
    return count
