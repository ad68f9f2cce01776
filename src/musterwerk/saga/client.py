"""Sagas as seen from outside: what each workflow has done, undone and could not undo.

Found by workflow type through Temporal's own list, and asked with the query `saga_report`. No
search attribute is needed, so this works in any namespace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from temporalio.api.common.v1 import WorkflowExecution as ExecutionKey
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import WorkflowTaskFailedEventAttributes
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.errors import MusterwerkError, ResolutionRefused, UsageError
from musterwerk.saga.letter import WORKFLOW
from musterwerk.saga.model import Resolve
from musterwerk.saga.registry import QUERY, UPDATE

NO_WORKER = "no worker answered"
_AT_ONCE = 8
_TIMEOUT = timedelta(seconds=5)

# An update that finds a worker restarted first waits out a workflow task of 10 s.
_UPDATE_TIMEOUT = timedelta(seconds=20)
_RECENT_EVENTS = 20
#: Workflows of Musterwerk's own are no sagas: dead letters, requests for approval.
_OURS = "musterwerk."


@dataclass(frozen=True)
class SagaExecution:
    """One workflow execution and its sagas.

    `sagas` is None where they could not be asked for; `problem` then says why.
    """

    workflow_id: str
    run_id: str
    workflow_type: str
    task_queue: str
    status: str
    started_at: datetime
    closed_at: datetime | None
    sagas: list[dict[str, Any]] | None = None
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "workflow_id": self.workflow_id,
            "run_id": self.run_id,
            "workflow_type": self.workflow_type,
            "task_queue": self.task_queue,
            "status": self.status,
            "started_at": self.started_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
            "sagas": self.sagas,
            "problem": self.problem,
        }


async def report(
    client: Client,
    workflow_id: str,
    run_id: str | None = None,
    *,
    rpc_timeout: timedelta = _TIMEOUT,
) -> SagaExecution:
    """One workflow's sagas. Raises `MusterwerkError` if it is unknown or runs none."""
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    try:
        execution = await handle.describe()
    except RPCError as error:
        if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            raise
        raise MusterwerkError(f"no such workflow: {error.message}") from error
    answer = await _Asking(client, rpc_timeout).ask(execution)
    if answer is None:
        raise MusterwerkError(
            f"workflow {workflow_id!r} ({execution.workflow_type}) runs no saga: "
            f"it does not know the query {QUERY!r}"
        )
    return answer


async def list_sagas(
    client: Client,
    *,
    types: Sequence[str] = (),
    state: Literal["open", "closed"] | None = None,
    limit: int = 50,
    rpc_timeout: timedelta = _TIMEOUT,
    on_found: Callable[[int], object] | None = None,
) -> list[SagaExecution]:
    """The latest workflows that run sagas; those that run none are left out.

    `rpc_timeout` bounds each question. `on_found` is told how many there are so far.
    """
    asking = _Asking(client, rpc_timeout)
    found: list[SagaExecution] = []
    async for batch in _batches(client, _list_filter(types, state), asking.worth_asking):
        answers = await asyncio.gather(*map(asking.ask, batch))
        found += [answer for answer in answers if answer is not None]
        if on_found is not None:
            on_found(min(len(found), limit))
        if len(found) >= limit:
            break
    return found[:limit]


async def resolve(
    client: Client,
    workflow_id: str,
    answer: Resolve,
    run_id: str | None = None,
    *,
    rpc_timeout: timedelta = _UPDATE_TIMEOUT,
) -> dict[str, Any]:
    """Settle a dead letter as an operator; returns the letter as the workflow has it then.

    Raises `ResolutionRefused` where nothing was changed: no such letter is open, somebody else
    was first (who, is in the message), or no worker answers. The answer is sent only to a
    workflow that has just been seen to answer, because Temporal might deliver it much later
    otherwise. If that one falls silent in between, the message says that it is not known.
    """
    if wrong := answer.flaw():
        raise UsageError(wrong)
    execution = await report(client, workflow_id, run_id, rpc_timeout=rpc_timeout)
    if execution.sagas is None:
        raise ResolutionRefused(f"nothing was changed: {workflow_id!r} {_silence(execution)}")
    if refusal := _refusal(execution, answer):
        raise ResolutionRefused(refusal)
    try:
        return await _update(client, execution, answer, rpc_timeout)
    except WorkflowUpdateFailedError as error:
        words = error.cause.message if isinstance(error.cause, ApplicationError) else str(error)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        words = f"{workflow_id!r} has just ended"
    # Whoever was first may be on record by now.
    execution = await report(client, workflow_id, execution.run_id, rpc_timeout=rpc_timeout)
    raise ResolutionRefused(_refusal(execution, answer) or words)


async def _update(
    client: Client, execution: SagaExecution, answer: Resolve, rpc_timeout: timedelta
) -> dict[str, Any]:
    handle: Any = client.get_workflow_handle(execution.workflow_id, run_id=execution.run_id)
    try:
        async with asyncio.timeout(rpc_timeout.total_seconds() + 1):
            return await handle.execute_update(UPDATE, answer, rpc_timeout=rpc_timeout)
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError) as error:
        raise ResolutionRefused(
            f"{execution.workflow_id!r} answered a moment ago and does not any more: whether it "
            "takes this is not known. Look with `musterwerk sagas show`; saying it again does "
            "no harm."
        ) from error


async def last_run(client: Client, workflow_id: str, run_id: str) -> str:
    """The run that goes on where this one was reset or continued as new; else this one itself."""
    try:
        return (await describe_last(client, workflow_id, run_id)).run_id
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return run_id  # whoever asks it is told that it does not exist
        raise


async def describe_last(
    client: Client, workflow_id: str, run_id: str
) -> WorkflowExecutionDescription:
    """As `last_run`, with what the server says of it. Raises RPCError where there is none."""
    run: str | None = run_id
    while True:
        found = await client.get_workflow_handle(workflow_id, run_id=run).describe()
        if reset := found.raw_description.workflow_extended_info.reset_run_id:
            run = reset
        elif run and found.status is WorkflowExecutionStatus.CONTINUED_AS_NEW:
            run = None  # the latest
        else:
            return found


async def sender_of(client: Client, letter_id: str) -> dict[str, Any] | None:
    """The dead letter with this id, as its saga sent it; None if there is no such letter."""
    handle = client.get_workflow_handle(letter_id)
    try:
        found = await handle.describe()
        if found.workflow_type != WORKFLOW:
            return None
        events = handle.fetch_history_events(page_size=1)
        started = (await anext(events)).workflow_execution_started_event_attributes
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return None
        raise
    given: list[dict[str, Any]] = await client.data_converter.decode(started.input.payloads)
    return given[0]


def _silence(execution: SagaExecution) -> str:
    if execution.problem == NO_WORKER:
        return "cannot be asked, no worker answers. Start one of its task queue; say it again then."
    return f"cannot be asked: {execution.problem}"


def _refusal(execution: SagaExecution, answer: Resolve) -> str | None:
    """Why there is nothing to resolve, in words; None if there is."""
    sagas = {saga["name"]: saga for saga in execution.sagas or []}
    if answer.saga is not None and answer.saga not in sagas:
        return f"no saga named {answer.saga!r} here; there is {', '.join(sagas) or 'none'}"
    letters = [
        one
        for name, saga in sagas.items()
        if answer.saga in (None, name)
        for one in saga["dead_letters"]
        if one["step"] == answer.step
    ]
    if still := [letter for letter in letters if not letter["settled"]]:
        # Where several sagas have one, the workflow itself asks which is meant.
        return answer.flaw(still[0]) if len(still) == 1 else None
    if not letters:
        return f"step {answer.step!r} of {execution.workflow_id!r} has no dead letter"
    how = letters[-1]["resolution"]
    if how is None:
        return f"step {answer.step!r} has no open dead letter: a later attempt has succeeded"
    return (
        f"step {answer.step!r} has been resolved already: {how['action']} by {how['by']} "
        f"at {how['at']}, because: {how['reason']}"
    )


@dataclass
class _Asking:
    """Asks workflows for their sagas, and does not ask in vain twice."""

    client: Client
    timeout: timedelta
    _without_sagas: set[str] = field(default_factory=set[str])
    _silent_queues: set[str] = field(default_factory=set[str])
    _answering_queues: set[str] = field(default_factory=set[str])

    def worth_asking(self, execution: WorkflowExecution) -> bool:
        return execution.workflow_type not in self._without_sagas

    async def ask(self, execution: WorkflowExecution) -> SagaExecution | None:
        """None if the workflow runs no saga."""
        if suspended := await self._suspended(execution):
            return _seen(execution, problem=f"suspended: code fails: {suspended}")
        if execution.task_queue in self._silent_queues - self._answering_queues:
            return _seen(execution, problem=NO_WORKER)
        try:
            sagas = await self._query(execution)
        except WorkflowQueryFailedError as error:
            self._answering_queues.add(execution.task_queue)
            if "expected but not found" in str(error):
                self._without_sagas.add(execution.workflow_type)
                return None
            return _seen(execution, problem=f"code fails: {error}")
        except (RPCError, TimeoutError) as error:
            return _seen(execution, problem=self._unanswered(execution, error))
        self._answering_queues.add(execution.task_queue)
        return _seen(execution, sagas=sagas) if sagas else None

    async def _query(self, execution: WorkflowExecution) -> list[dict[str, Any]]:
        handle = _handle(self.client, execution)
        # The SDK repeats some timed-out calls, hence a limit of our own around its limit.
        async with asyncio.timeout(self.timeout.total_seconds() + 1):
            answer: dict[str, Any] = await handle.query(QUERY, rpc_timeout=self.timeout)
        return answer["sagas"]

    def _unanswered(self, execution: WorkflowExecution, error: Exception) -> str:
        """In words, why nobody answered; other failures of the server are raised."""
        if isinstance(error, RPCError):
            if error.status == RPCStatusCode.FAILED_PRECONDITION:
                return f"cannot be asked: {error.message}"
            if error.status not in (RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED):
                raise error
        self._silent_queues.add(execution.task_queue)
        return NO_WORKER

    async def _suspended(self, execution: WorkflowExecution) -> str | None:
        """How the code of a suspended workflow fails. Such a one would not answer a query."""
        if execution.status != WorkflowExecutionStatus.RUNNING:
            return None
        description = (
            execution
            if isinstance(execution, WorkflowExecutionDescription)
            else await _handle(self.client, execution).describe()
        )
        if description.raw_description.pending_workflow_task.attempt <= 1:
            return None
        return await _last_failure(self.client, execution)


async def _last_failure(client: Client, execution: WorkflowExecution) -> str | None:
    """The failure of the last workflow task, if it failed in code and did not merely time out."""
    response = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace,
            execution=ExecutionKey(workflow_id=execution.id, run_id=execution.run_id),
            maximum_page_size=_RECENT_EVENTS,
        )
    )
    for event in response.history.events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
            return _in_words(event.workflow_task_failed_event_attributes)
        if event.event_type in (
            EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
            EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
        ):
            return None
    return None


def _in_words(failed: WorkflowTaskFailedEventAttributes) -> str | None:
    if failed.cause in (
        # Temporal's own housekeeping, no fault of the code.
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
        WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
    ):
        return None
    kind = failed.failure.application_failure_info.type
    return f"{kind}: {failed.failure.message}" if kind else failed.failure.message


async def _batches(
    client: Client, list_filter: str, wanted: Callable[[WorkflowExecution], bool]
) -> AsyncIterator[list[WorkflowExecution]]:
    batch: list[WorkflowExecution] = []
    async for execution in client.list_workflows(list_filter):
        if wanted(execution):
            batch.append(execution)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _list_filter(types: Sequence[str], state: Literal["open", "closed"] | None) -> str:
    terms = [f"WorkflowType NOT STARTS_WITH '{_OURS}'"]
    if types:
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in types)
        terms.append(f"WorkflowType IN ({names})")
    if state:
        terms.append(f"ExecutionStatus {'=' if state == 'open' else '!='} 'Running'")
    return " AND ".join(terms)


def _handle(client: Client, execution: WorkflowExecution) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(execution.id, run_id=execution.run_id)


def _seen(
    execution: WorkflowExecution,
    *,
    sagas: list[dict[str, Any]] | None = None,
    problem: str | None = None,
) -> SagaExecution:
    return SagaExecution(
        workflow_id=execution.id,
        run_id=execution.run_id,
        workflow_type=execution.workflow_type,
        task_queue=execution.task_queue,
        status=execution.status.name.lower() if execution.status else "unknown",
        started_at=execution.start_time,
        closed_at=execution.close_time,
        sagas=sagas,
        problem=problem,
    )
