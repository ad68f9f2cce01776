"""A world, and a worker that serves it with the workflow cache on and off."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from tests.saga import branching, edges, nesting, outcomes, workflows
from tests.saga.world import World
from tests.waiting import until_async

Start = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=[1000, 0], ids=["cached", "uncached"])
async def start(
    request: pytest.FixtureRequest, client: Client, world: World
) -> AsyncIterator[Start]:
    """Start a workflow on a queue of the test's own, which a worker serves."""
    queue = f"saga-{uuid.uuid4()}"

    async def start_workflow(run: Any, *args: Any, **options: Any) -> WorkflowHandle[Any, Any]:
        identity = options.pop("id", f"order-{uuid.uuid4()}")
        return await client.start_workflow(
            run, args=list(args) or ["O-1"], id=identity, task_queue=queue, **options
        )

    async with Worker(
        client,
        task_queue=queue,
        workflows=[
            *(one for one in workflows.ALL if one is not workflows.Mended),
            *edges.ALL,
            *branching.ALL,
            *nesting.ALL,
            *outcomes.ALL,
        ],
        activities=world.activities(),
        max_cached_workflows=request.param,
    ):
        yield start_workflow


async def failure_of(handle: WorkflowHandle[Any, Any]) -> BaseException:
    """The failure a workflow ended with, following continue-as-new."""
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    return caught.value.cause


async def report_of(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    """The report of the workflow's one saga."""
    return (await handle.query("saga_report"))["sagas"][0]


async def until_cancel_requested(handle: WorkflowHandle[Any, Any]) -> None:
    """The cancellation is in the history, and the worker has processed it (a query answers)."""

    async def requested() -> bool:
        async for event in handle.fetch_history_events():
            if event.HasField("workflow_execution_cancel_requested_event_attributes"):
                await handle.query("saga_report")
                return True
        return False

    await until_async(requested)


async def task_failures(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """Why the workflow's tasks failed: how a bug in its code shows."""
    return [
        event.workflow_task_failed_event_attributes.failure.message
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_task_failed_event_attributes")
    ]


async def until_task_fails(handle: WorkflowHandle[Any, Any]) -> None:
    async def failed() -> bool:
        return bool(await task_failures(handle))

    await until_async(failed)
