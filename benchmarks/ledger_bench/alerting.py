"""How long after the end of its grace somebody is told, by the monitor as our worker runs it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from musterwerk.cli.worker import start_worker
from musterwerk.runtime.connection import Target
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, apply, every

_QUEUE = "bench"
_GRACE = timedelta(seconds=3)


@workflow.defn
class Long:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(3_600)


@dataclass(frozen=True)
class _Told:
    at: datetime
    schedule: str
    due: str


@dataclass
class _Hook:
    posts: list[_Told] = field(default_factory=list[_Told])
    url: str = ""


async def measure(count: int) -> dict[str, Any]:
    """So many schedules, each with a run that goes on and a second one that waits: late when its
    grace is over. `delay_s` is from then to the alert, of the slowest."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), ui=False) as running, _hook() as hook:
            target = Target(running.address, isolated=True)
            ours = await start_worker(Path(folder), target)
            try:
                client = await target.connect()
                async with Worker(
                    client,
                    task_queue=_QUEUE,
                    workflows=[Long],
                    workflow_runner=UnsandboxedWorkflowRunner(),
                ):
                    several = [_schedule(number, hook.url) for number in range(count)]
                    await apply(client, *several, set_name="bench")
                    async with asyncio.timeout(120):
                        while len({one.schedule for one in hook.posts}) < count:  # noqa: ASYNC110
                            await asyncio.sleep(0.05)
            finally:
                await ours.stop()
    delays = sorted(_delay(one) for one in hook.posts)
    return {
        "schedules": count,
        "median_s": round(delays[len(delays) // 2], 2),
        "delay_s": round(delays[-1], 2),
    }


def _schedule(number: int, url: str) -> Schedule:
    return Schedule(
        f"bench-{number}",
        Long,
        task_queue=_QUEUE,
        when=every("5s", phase=f"{number % 5}s"),
        overlap="buffer_one",
        grace=_GRACE,
        alert=(url,),
    )


def _delay(told: _Told) -> float:
    return (told.at - datetime.fromisoformat(told.due) - _GRACE).total_seconds()


@asynccontextmanager
async def _hook() -> AsyncGenerator[_Hook]:
    """A webhook that notes when it was told of which due time."""
    found = _Hook()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        body: dict[str, Any] = json.loads(await reader.readexactly(length))
        found.posts.append(_Told(datetime.now(UTC), body["schedule"], body["due"]))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield found
