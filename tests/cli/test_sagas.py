"""`musterwerk sagas list` and `show`, against a real server with real sagas."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from tests.cli import desk
from tests.cli.support import Result, musterwerk
from tests.waiting import until_async


class Commands:
    """Runs `musterwerk sagas` on the test's server while this process works as the worker."""

    def __init__(self, home: Path, address: str, client: Client) -> None:
        self.home = home
        self.address = address
        self.client = client
        self.queue = "desk"  # one for all: what another test has left there answers too

    async def __call__(self, *args: str) -> Result:
        command, *more = args
        full = ("sagas", command, "--address", self.address, "--timeout", "10", *more)
        return await asyncio.to_thread(partial(musterwerk, *full, home=self.home))

    async def start(self, workflow: str, *args: str) -> str:
        workflow_id = f"{workflow}-{uuid.uuid4()}"
        await self.client.start_workflow(workflow, args=args, id=workflow_id, task_queue=self.queue)
        await self.listed(f"WorkflowId = '{workflow_id}'")
        return workflow_id

    async def listed(self, query: str) -> None:
        """Lists follow what happens by some moments, on a busy machine by seconds."""

        async def seen() -> bool:
            return (await self.client.count_workflows(query)).count == 1

        await until_async(seen)

    async def order(self, order: str) -> str:
        """An order that has come to its end."""
        workflow_id = await self.start("Order", order)
        try:
            await self.client.get_workflow_handle(workflow_id).result()
        except WorkflowFailureError:
            assert order == "declined"
        await self.listed(f"WorkflowId = '{workflow_id}' AND ExecutionStatus != 'Running'")
        return workflow_id

    async def buggy(self) -> str:
        """A workflow whose code has failed often enough for the server to refuse queries."""
        workflow_id = await self.start("Buggy")
        handle = self.client.get_workflow_handle(workflow_id)

        async def suspended() -> bool:
            pending = (await handle.describe()).raw_description.pending_workflow_task
            return pending.attempt > 1

        await until_async(suspended)
        return workflow_id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """Without what other tests have left there: lists are of what is on it."""
    async with EmbeddedServer(tmp_path_factory.mktemp("temporal"), ui=False) as server:
        yield server


@pytest.fixture
async def sagas(server: EmbeddedServer, tmp_path: Path) -> Commands:
    return Commands(tmp_path, server.address, await connect(server.address, isolated=True))


@pytest.fixture
async def worker(sagas: Commands) -> AsyncIterator[None]:
    async with Worker(
        sagas.client,
        task_queue=sagas.queue,
        workflows=desk.WORKFLOWS,
        activities=desk.ACTIVITIES,
    ):
        yield


def mine(result: Result, *ids: str) -> dict[str, dict[str, Any]]:
    assert result.code == 0, result.stderr
    found = {entry["workflow_id"]: entry for entry in result.data}
    return {workflow_id: found[workflow_id] for workflow_id in ids if workflow_id in found}


@pytest.mark.usefixtures("worker")
async def test_list_shows_sagas_and_nothing_else(sagas: Commands) -> None:
    """An operator could not tell the undone orders from the good ones."""
    good, undone = await sagas.order("good"), await sagas.order("declined")
    other = await sagas.start("NoSaga")
    ours = await sagas.start("musterwerk.Approval")
    result = await sagas("list", "-o", "json")
    assert result.stderr == ""
    entries = mine(result, good, undone, other, ours)
    assert {key: entry["sagas"][0]["status"] for key, entry in entries.items()} == {
        good: "completed",
        undone: "compensated",
    }
    table = await sagas("list", "--closed", "--type", "Order")
    assert good in table.stdout
    assert undone in table.stdout


@pytest.mark.usefixtures("worker")
async def test_list_filters(sagas: Commands) -> None:
    """Who looks for one type's open orders would have to read everything."""
    closed, suspended = await sagas.order("good"), await sagas.buggy()
    both = (closed, suspended)
    assert mine(await sagas("list", "--open", "-o", "json"), *both).keys() == {suspended}
    assert mine(await sagas("list", "--closed", "-o", "json"), *both).keys() == {closed}
    by_type = await sagas("list", "--type", "Order", "--type", "It's", "-o", "json")
    assert mine(by_type, *both).keys() == {closed}
    assert len((await sagas("list", "--limit", "1", "-o", "json")).data) == 1


@pytest.mark.usefixtures("worker")
async def test_show_tells_each_step_and_its_undo(sagas: Commands) -> None:
    """Nobody could say what has been given back to the customer."""
    workflow_id = await sagas.order("declined")
    shown = await sagas("show", workflow_id)
    assert (shown.code, shown.stderr) == (0, "")
    assert "saga saga: compensated" in shown.stdout
    steps = [line.split()[:5] for line in shown.stdout.splitlines() if "/1" in line]
    assert steps[0] == ["1", "reserve/1", "done", "release", "done"]
    assert steps[1][:3] == ["2", "charge/1", "failed"]
    assert "declined" in shown.stdout
    assert "\x1b" not in shown.stdout
    saga = (await sagas("show", workflow_id, "-o", "json")).data["sagas"][0]
    assert [step["undo_status"] for step in saga["steps"]] == ["done", "done"]


@pytest.mark.usefixtures("worker")
async def test_show_tells_checkpoints_and_pivot(sagas: Commands) -> None:
    """An operator would try to cancel what can only go forward."""
    shown = await sagas("show", await sagas.order("good"))
    assert "checkpoints: paid" in shown.stdout
    assert "nothing is undone" in shown.stdout


@pytest.mark.usefixtures("worker")
async def test_a_bug_in_the_code_shows_as_suspended(sagas: Commands) -> None:
    """A deployment that broke every running order would look like slow workers."""
    workflow_id = await sagas.buggy()
    words = "suspended: code fails: KeyError: 'typo in the code'"
    assert words in (await sagas("show", workflow_id)).stdout
    entry = mine(await sagas("list", "-o", "json"), workflow_id)[workflow_id]
    assert entry["problem"] == words


async def test_without_a_worker_the_workflow_is_still_listed(sagas: Commands) -> None:
    """Orders would vanish from the list while their worker is down."""
    sagas.queue = "nobody's"
    ids = [await sagas.start("Order", "good") for _ in range(9)]
    only = ("--type", "Order", "--open", "--timeout", "2")
    entries = mine(await sagas("list", *only, "-o", "json"), *ids)
    assert [entry["problem"] for entry in entries.values()] == ["no worker answered"] * 9
    assert "no worker answered" in (await sagas("show", ids[0], "--timeout", "2")).stdout


async def test_unknown_workflow_is_1(sagas: Commands) -> None:
    """A mistyped id would look like a saga without steps."""
    result = await sagas("show", "no-such-order", "-o", "json")
    assert (result.code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert "no-such-order" in line


async def test_malformed_run_id_is_1(sagas: Commands) -> None:
    """A mistyped run id would end in a traceback."""
    result = await sagas("show", "no-such-order", "--run-id", "latest")
    assert result.code == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.usefixtures("worker")
async def test_workflow_without_saga_is_1(sagas: Commands) -> None:
    """One would take "no saga here" for "nothing has been done yet"."""
    result = await sagas("show", await sagas.start("NoSaga"))
    assert result.code == 1
    assert "runs no saga" in result.stderr


async def test_unknown_namespace_is_1_in_one_line(sagas: Commands, tmp_path: Path) -> None:
    """A mistyped namespace would end in a traceback."""
    env = {"TEMPORAL_NAMESPACE": "typo", "TEMPORAL_ADDRESS": sagas.address}
    result = await asyncio.to_thread(musterwerk, "sagas", "list", home=tmp_path, env=env)
    assert result.code == 1
    (line,) = result.stderr.splitlines()
    assert "typo" in line
