"""`musterwerk console` as a process, with a Temporal server that is cut off and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from temporalio.client import Client

from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import Store
from tests.cli.support import MUSTERWERK, environment, musterwerk
from tests.console.office import Office, problem
from tests.waiting import until_async


class Line:
    """A TCP line to a server, that can be cut."""

    def __init__(self, to: str) -> None:
        host, _, port = to.rpartition(":")
        self._to = host, int(port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def connect(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._writers |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def console(home: Path, address: str, queue: str) -> AsyncGenerator[tuple[Any, str]]:
    process = await asyncio.create_subprocess_exec(
        *(MUSTERWERK, "console", "--port", "0", "--data", "desk"),
        *("--address", address, "--task-queue", queue),
        env=environment(home),
        cwd=home,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("Console  http://127.0.0.1:")
        yield process, line.split()[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_decisions_while_temporal_is_cut_off_are_applied_once_when_it_is_back(
    client: Client, temporal_server: EmbeddedServer, tmp_path: Path
) -> None:
    """A decision would be lost, counted twice, or its answer would never come."""
    (tmp_path / "desk").mkdir()
    store = Store(make_url(f"sqlite:///{tmp_path / 'desk' / 'musterwerk.sqlite'}"))
    office = Office.of(store, client)
    line = Line(temporal_server.address)
    await line.connect()
    async with (
        office.worker(),
        console(tmp_path, line.address, office.services.task_queue) as (process, url),
    ):
        office.url = url
        status = await office.ask(policy={"approvers": ["group:finance"], "quorum": 2})
        await line.cut()
        answers = await asyncio.gather(*(office.decide("anna", status, key="k") for _ in range(3)))
        assert {answer.status_code for answer in answers} == {202}
        new = {"subject": "x", "requester": "rita", "policy": {"approvers": ["anna"]}}
        problem(await office("rita").post("/requests", json=new), 503, "unavailable")
        assert (await office.get("anna", "/requests"))["items"]
        await line.connect()
        place = f"/requests/{status['request_id']}/acts/k"

        async def done() -> bool:
            return (await office.get("anna", place))["state"] == "done"

        await until_async(done)
        assert (await office.get("anna", place))["reply"]["verdict"] == "applied"
        assert await office.decided(status) == ["anna"]
        await office.close()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    await line.cut()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """Whoever starts it twice would see a traceback."""
    result = musterwerk(
        "console", "--host", "203.0.113.1", "--address", "127.0.0.1:1", home=tmp_path
    )
    assert (result.code, result.stdout) == (2, "")
    assert "cannot listen on 203.0.113.1 port 8420" in result.stderr
    assert "--port" in result.stderr
