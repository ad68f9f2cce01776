"""One case on the simulator and on a server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from musterwerk.testing import (
    Decisions,
    Natural,
    Outcome,
    SimulatedHandle,
    Simulator,
    Task,
    TaskStart,
)
from tests.testing.conformance.cases import TASK_QUEUE, Case, Handle, Seen

_TASKS = ("workflow_task_scheduled", "workflow_task_started", "workflow_task_completed")


# A worker without a cache has to poll once at a time.
_UNCACHED: dict[str, Any] = {"max_cached_workflows": 0, "max_concurrent_workflow_task_polls": 1}


class Forgetful(Natural):
    """The workflow is evicted before every task."""

    def task_starts(self, task: Task) -> TaskStart:
        return TaskStart(evict=True)


class _Simulated:
    def __init__(self, handle: SimulatedHandle) -> None:
        self.handle: Handle = handle
        self._real = handle

    async def reached(self, event: str, times: int = 1) -> None:
        while self._real.events().count(event) < times:  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(0.001)


class _Served:
    def __init__(self, handle: WorkflowHandle[Any, Any]) -> None:
        self.handle: Handle = handle
        self._real = handle

    async def reached(self, event: str, times: int = 1) -> None:
        seen = 0
        async for one in self._real.fetch_history_events(wait_new_event=True):
            seen += _name(one) == event
            if seen == times:
                return
        raise AssertionError(f"{event} was never reached")


def simulate(
    case: Case, decisions: Decisions | None = None, runner: WorkflowRunner | None = None
) -> tuple[Outcome, object]:
    answers: list[object] = []

    async def outside(handle: SimulatedHandle) -> None:
        if case.outside is not None:
            answers.append(await case.outside(_Simulated(handle)))

    usual = Forgetful() if case.evicted else None
    with Simulator(
        workflows=case.workflows,
        activities=case.activities,
        workflow_failure_exception_types=case.failure_types,
        workflow_runner=runner,
    ) as simulator:
        outcome = simulator.run(
            case.run,
            *case.args,
            id=f"case-{case.name}",
            task_queue=TASK_QUEUE,
            outside=outside if case.outside else None,
            decisions=decisions or case.decisions or usual,
            **case.options,
        )
    return outcome, answers[0] if answers else None


def seen_of(case: Case, outcome: Outcome, answer: object) -> Seen:
    runs = outcome.runs_of(f"case-{case.name}")
    events = [_normal(run.events, loose=case.loose) for run in runs]
    failure = _failure(case, outcome.failure)
    return Seen(outcome.status, outcome.result, failure, answer, events)


async def serve(case: Case, client: Client, *, loose: bool) -> Seen:
    with ThreadPoolExecutor(4) as pool:
        async with Worker(
            client,
            task_queue=TASK_QUEUE,
            workflows=case.workflows,
            activities=case.activities,
            activity_executor=pool,
            workflow_runner=UnsandboxedWorkflowRunner(),
            workflow_failure_exception_types=case.failure_types,
            **_UNCACHED if case.evicted else {},
        ):
            handle = await client.start_workflow(
                case.run,
                args=case.args,
                id=f"case-{case.name}-{uuid.uuid4()}",
                task_queue=TASK_QUEUE,
                **case.options,
            )
            answer = await case.outside(_Served(handle)) if case.outside else None
            return await _seen(case, client, handle, answer, loose=loose or case.loose)


async def _seen(
    case: Case, client: Client, handle: WorkflowHandle[Any, Any], answer: object, *, loose: bool
) -> Seen:
    result: object = None
    failure: list[str] = []
    try:
        result = await handle.result()
    except WorkflowFailureError as error:
        failure = _failure(case, error.cause)
    runs: list[list[str]] = []
    run_id: str | None = handle.first_execution_run_id
    while run_id:
        history = await client.get_workflow_handle(handle.id, run_id=run_id).fetch_history()
        runs.append(_normal([_name(event) for event in history.events], loose=loose))
        run_id = _next_run(history.events[-1])
    return Seen(_status(runs[-1][-1]), result, failure, answer, runs)


def _failure(case: Case, error: BaseException | None) -> list[str]:
    told = chain(error)
    return [": ".join(one.split(": ")[:2]) for one in told] if case.own_words else told


def chain(error: BaseException | None) -> list[str]:
    """An error and its causes, told so that two runs of it are alike."""
    told: list[str] = []
    while error is not None:
        kind = type(error).__name__
        if isinstance(error, ApplicationError):
            kind += f"({error.type}, {'final' if error.non_retryable else 'retryable'})"
        retry = getattr(error, "retry_state", None)
        state = f" [{retry.name}]" if retry is not None else ""
        message = error.message if isinstance(error, FailureError) else str(error)
        told.append(f"{kind}: {message}{state}")
        error = error.__cause__
    return told


def _normal(events: Sequence[str], *, loose: bool) -> list[str]:
    return [event for event in events if not (loose and event in _TASKS)]


def _name(event: HistoryEvent) -> str:
    return EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()


def _status(last: str) -> str:
    return last.removeprefix("workflow_execution_")


def _next_run(event: HistoryEvent) -> str | None:
    kind = event.WhichOneof("attributes")
    return getattr(getattr(event, kind or ""), "new_execution_run_id", None) or None
