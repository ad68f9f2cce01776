"""A client as somebody has it who never heard of us: Temporal's own converter, no plugin."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from examples.clock import Clock
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer

from musterwerk.runtime.server import EmbeddedServer
from tests.waiting import until_async

_TASK = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
}


@pytest.fixture
async def plain(temporal_server: EmbeddedServer) -> Client:
    return await Client.connect(temporal_server.address)


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """Where schedules have the names that they have in the examples' file."""
    async with EmbeddedServer(tmp_path / "temporal", ui=False) as server:
        yield server


@pytest.fixture
async def clock(own_server: EmbeddedServer) -> Clock:
    return Clock(await Client.connect(own_server.address))


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


@pytest.fixture
def fresh() -> str:
    """A part for ids and queues that no other test has."""
    return uuid.uuid4().hex[:12]


async def replay(handle: WorkflowHandle[Any, Any], *workflows: type) -> None:
    """Raises where the code would not take the same course again."""
    await Replayer(workflows=workflows).replay_workflow(await handle.fetch_history())


async def until_waiting(handle: WorkflowHandle[Any, Any], *, after: str) -> None:
    """Until this activity is done and the workflow waits for a signal: its worker may stop then.

    A worker that stops while it is given a task keeps the task to itself until it times out.
    """

    async def waiting() -> bool:
        events = [event async for event in handle.fetch_history_events()]
        begun = {
            event.event_id
            for event in events
            if event.activity_task_scheduled_event_attributes.activity_type.name == after
        }
        done = {e.activity_task_completed_event_attributes.scheduled_event_id for e in events}
        last = [event.event_type for event in events if event.event_type in _TASK][-1]
        return bool(begun & done) and last == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED

    await until_async(waiting)
