"""Whatever kind of activity a worker has, a saga runs it and undoes it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from musterwerk.saga import step_key
from tests.examples import kinds
from tests.examples.kinds import Label

Log = list[tuple[str, Any]]


@dataclass
class Site:
    client: Client
    queue: str
    log: Log

    async def undone(self, workflow: Callable[..., Any]) -> None:
        """Run a saga that fails at its end."""
        with pytest.raises(WorkflowFailureError, match="Workflow execution failed") as caught:
            await self.client.execute_workflow(
                workflow, self.queue, id=self.queue, task_queue=self.queue
            )
        assert "undone after" in str(caught.value.cause)

    def worker(self, workflow: type[Any], *activities: Callable[..., Any], **more: Any) -> Worker:
        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=[workflow],
            activities=activities,
            **more,
        )


@pytest.fixture
def site(plain: Client, fresh: str) -> Site:
    return Site(plain, fresh, [])


async def test_functions_in_threads(site: Site) -> None:
    """`step_key` knows its step in a thread as well."""
    kinds.LOG.clear()
    with ThreadPoolExecutor(max_workers=2) as threads:
        activities = [kinds.pack, kinds.unpack]
        async with site.worker(kinds.InThreads, *activities, activity_executor=threads):
            await site.undone(kinds.InThreads.run)
    (pack, key), (unpack, undo_key) = kinds.LOG
    assert (pack, unpack) == ("pack", "unpack")
    assert key.business_key == undo_key.business_key
    assert key != undo_key


async def test_methods_of_an_object_with_a_connection(site: Site) -> None:
    press = kinds.Press(site.log)
    async with site.worker(kinds.Methods, press.print_label, press.shred_label):
        await site.undone(kinds.Methods.run)
    assert site.log == [("print", "O-1"), ("shred", "label 1 of O-1")]


async def test_local_activities_keep_their_undo_and_their_keys(site: Site) -> None:
    press = kinds.Press(site.log)
    async with site.worker(kinds.Local, press.print_label, press.shred_label):
        await site.undone(kinds.Local.run)
    assert site.log == [("print", "O-1"), ("shred", "label 1 of O-1")]
    handle = site.client.get_workflow_handle(site.queue)
    types = [event.event_type async for event in handle.fetch_history_events()]
    assert all(kind != EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED for kind in types)


async def test_a_step_of_a_worker_in_another_language(site: Site) -> None:
    """That worker knows names and JSON; our workflow imports nothing of it."""
    keys: list[str] = []

    @activity.defn(name="printLabel")
    async def foreign(order: str) -> dict[str, Any]:
        keys.append(step_key().business_key)
        return {"number": 7, "text": f"for {order}"}

    @activity.defn(name="shredLabel")
    async def foreign_undo(order: str, label: dict[str, Any] | None) -> None:
        keys.append(step_key().business_key)
        site.log.append(("shred", label))

    foreign_worker = Worker(
        site.client, task_queue=f"{site.queue}-foreign", activities=[foreign, foreign_undo]
    )
    async with foreign_worker, site.worker(kinds.ByName, kinds.seen):
        kinds.LOG.clear()
        await site.undone(kinds.ByName.run)
    assert [("seen", Label(7, "for O-1"))] == kinds.LOG
    assert site.log == [("shred", {"number": 7, "text": "for O-1"})]
    assert keys[0] == keys[1]
