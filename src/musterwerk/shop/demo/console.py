"""The console of the demo: the REST server as a process that comes back after it was killed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NoReturn

import httpx

from musterwerk.cli.console import start_console
from musterwerk.runtime.connection import Target
from musterwerk.runtime.processes import ManagedProcess, ProcessDied
from musterwerk.shop.demo.operator import demo_environment


class DemoConsole:
    """`url` may be another one after a kill: somebody may have taken the port meanwhile."""

    def __init__(self, data: Path, target: Target, task_queue: str) -> None:
        self._data = data
        self._target = target
        self._task_queue = task_queue
        self._process: ManagedProcess | None = None
        self._minder: asyncio.Task[None] | None = None
        self._dead: asyncio.Future[ManagedProcess] = asyncio.get_running_loop().create_future()
        self.url = ""

    async def start(self) -> None:
        port = httpx.URL(self.url).port if self.url else None
        process, self.url = await start_console(
            self._data,
            self._target,
            port=port or 0,
            task_queue=self._task_queue,
            env=demo_environment(self._target),
        )
        self._process = process
        self._minder = asyncio.create_task(self._mind(process))

    async def kill(self) -> None:
        """SIGKILL, whatever it is doing, and another in its place."""
        victim, self._process = self._process, None
        if victim is None:
            return
        victim.kill()
        await victim.wait()
        await self.start()

    async def died(self) -> NoReturn:
        """Wait until it ends without having been killed here, and raise its ProcessDied."""
        raise ProcessDied(await asyncio.shield(self._dead))

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.stop()
        if self._minder is not None:
            await self._minder

    async def _mind(self, process: ManagedProcess) -> None:
        await process.wait()
        if process is self._process and not self._dead.done():
            self._dead.set_result(process)
