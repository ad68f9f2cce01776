"""Dead letters through the command: `sagas list --dead-letters`, `sagas resolve`, `worker`."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator, Generator
from contextlib import closing, contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import DeadLetterTable, LetterRow, Store, database_url
from tests.cli.support import MUSTERWERK, Result, environment, musterwerk
from tests.receivers import webhook_server
from tests.saga import workflows
from tests.saga.letterbox.test_letterbox import letter_of, settlement
from tests.saga.world import World, refuse
from tests.waiting import LIMIT, until, until_async

SAY = ("--by", "Ada", "--reason", "by hand")


class Desk:
    def __init__(self, home: Path, address: str, client: Client) -> None:
        self.home = home
        self.address = address
        self.client = client
        self.queue = f"desk-{uuid.uuid4()}"
        self.world = World()

    async def __call__(self, *args: str) -> Result:
        full = ("sagas", *args, "--address", self.address)
        return await asyncio.to_thread(partial(musterwerk, *full, home=self.home))

    async def stuck(self) -> str:
        self.world.fail("refund", refuse("account closed"))
        handle = await self.client.start_workflow(
            workflows.Stuck.run, "O-1", id=f"stuck-{uuid.uuid4()}", task_queue=self.queue
        )

        async def has_letter() -> bool:
            return bool((await handle.query("saga_report"))["sagas"][0]["dead_letters"])

        await until_async(has_letter)
        return handle.id

    @contextmanager
    def worker(self, **env: str) -> Generator[tuple[subprocess.Popen[str], list[str]]]:
        process = subprocess.Popen(  # noqa: S603 - the command under test
            [MUSTERWERK, "worker", "--address", self.address],
            env=environment(self.home, env),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stderr is not None
            try:
                yield process, [process.stderr.readline() for _ in range(4)]
            finally:
                process.kill()


@pytest.fixture
async def desk(
    temporal_server: EmbeddedServer, client: Client, tmp_path: Path
) -> AsyncIterator[Desk]:
    found = Desk(tmp_path, temporal_server.address, client)
    async with Worker(
        client,
        task_queue=found.queue,
        workflows=[workflows.Stuck],
        activities=found.world.activities(),
    ):
        yield found


def of(result: Result, workflow_id: str) -> list[dict[str, Any]]:
    assert result.code == 0, result.stderr
    return [one for one in result.data if one["workflow_id"] == workflow_id]


async def test_asked_of_the_workflows_and_resolved(desk: Desk) -> None:
    """Without a database of ours an operator could not see or settle anything."""
    workflow_id = await desk.stuck()
    there = ("--data", str(desk.home / ".data"), "--timeout", "1", "-o", "json")
    listed = await desk("list", "--dead-letters", *there)
    assert "Asked the workflows themselves: there is no database" in listed.stderr
    (letter,) = of(listed, workflow_id)
    assert (letter["step"], letter["direction"], letter["attempts"]) == ("charge/1", "undo", 1)
    assert "account closed" in letter["error"]
    table = await desk("list", "--dead-letters", "--ask", "--timeout", "1")
    assert workflow_id in table.stdout
    assert re.search(r"\d\d:\d\d:\d\d UTC", table.stdout)
    told = await desk("resolve", workflow_id, "charge/1", "--done", *SAY, "-o", "json")
    assert (told.code, told.data["answers"][-1]["by"]) == (0, "Ada")
    again = await desk("resolve", workflow_id, "charge/1", "--skip", *SAY)
    assert again.code == 1
    assert "done by Ada" in again.stderr
    settled = await desk("list", "--settled", "--ask", "--timeout", "1", "-o", "json")
    (letter,) = of(settled, workflow_id)
    assert (letter["action"], letter["reason"]) == ("done", "by hand")
    assert letter["settled_at"]
    assert set(letter) == {field.name for field in fields(LetterRow)}


@pytest.mark.parametrize(
    "wrong",
    [
        SAY,
        ("--done", "--skip", *SAY),
        ("--done", "--by", "Ada"),
        ("--done", "--by", " ", "--reason", "x"),
        ("--skip", "--result", "1", *SAY),
        ("--done", "--result", "no json", *SAY),
    ],
)
def test_wrong_usage_is_2(wrong: tuple[str, ...], tmp_path: Path) -> None:
    result = musterwerk("sagas", "resolve", "x", "charge/1", *wrong, home=tmp_path)
    assert (result.code, result.stdout) == (2, "")


async def test_unknown_workflow_is_1(desk: Desk) -> None:
    result = await desk("resolve", "never-was", "charge/1", "--done", *SAY)
    assert (result.code, len(result.stderr.splitlines())) == (1, 1)


async def test_without_a_worker_it_is_1_and_nothing_is_sent(desk: Desk) -> None:
    handle = await desk.client.start_workflow(
        workflows.Stuck.run, "O", id=f"none-{uuid.uuid4()}", task_queue=f"none-{uuid.uuid4()}"
    )
    result = await desk("resolve", handle.id, "charge/1", "--done", *SAY, "--timeout", "1")
    assert result.code == 1
    assert "nothing was changed" in result.stderr
    await handle.terminate()


async def test_a_killed_worker_loses_nothing_and_tells_nobody_twice(desk: Desk) -> None:
    """From the letter to the list, over a crash of the worker between alert and settlement."""
    workflow_id = await desk.stuck()
    letter = letter_of(workflow_id=workflow_id, saga="saga", step="charge/1")
    letter["run_id"] = (await desk.client.get_workflow_handle(workflow_id).describe()).run_id
    table = DeadLetterTable(Store(database_url(desk.home / ".data", {}), migrate=False))
    with webhook_server() as hook, closing(table.store):
        env = {"MUSTERWERK_ALERT_WEBHOOK": hook.url}
        with desk.worker(**env) as (process, said):
            assert "task queue 'musterwerk'" in said[0]
            assert "Alerts: webhook\n" in said
            handle = await desk.client.start_workflow(
                "musterwerk.DeadLetter", letter, id=letter["id"], task_queue="musterwerk"
            )
            await until(lambda: table.sent_at(letter["id"], "webhook") is not None)
            await until(lambda: bool(table.open()))
            process.kill()
        there = ("--data", str(desk.home / ".data"), "-o", "json")
        # Whatever happens to lie in this folder says nothing about the server that was named.
        elsewhere = await desk("list", "--dead-letters", "--timeout", "1", "-o", "json")
        assert "no database was named with it" in elsewhere.stderr
        listed = await desk("list", "--dead-letters", *there)
        assert "From the database" in listed.stderr
        assert [one["id"] for one in listed.data] == [letter["id"]]
        told = await desk("resolve", letter["id"], "charge/1", "--done", *SAY, "-o", "json")
        assert told.data["workflow_id"] == workflow_id
        with desk.worker(**env) as (process, _):
            await handle.signal("settled", settlement())
            await handle.result()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, LIMIT) == 0
        listed = await desk("list", "--settled", *there)
        assert [(one["id"], one["resolved_by"]) for one in listed.data] == [(letter["id"], "Ada")]
        assert len(hook.posts) == 1


def test_a_worker_with_wrong_settings_does_not_start(tmp_path: Path) -> None:
    """Nobody would be told, and nobody would know that."""
    for command in (("worker", "--address", "127.0.0.1:1"), ("dev", "--no-shop")):
        env = {"MUSTERWERK_ALERT_MAIL": "ada@example.com"}
        result = musterwerk(*command, home=tmp_path, env=env)
        assert result.code == 2
        assert "MUSTERWERK_SMTP has to be set" in result.stderr


def test_a_database_that_is_away_is_said(tmp_path: Path) -> None:
    env = {"MUSTERWERK_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/db"}
    result = musterwerk("sagas", "list", "--dead-letters", home=tmp_path, env=env)
    assert (result.code, result.stdout) == (1, "")
    assert "--ask asks the workflows" in result.stderr
    assert "secret" not in result.stderr
