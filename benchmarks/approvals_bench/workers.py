"""Worker processes of ours, killed and replaced while others rely on them."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from approvals_bench.figures import say
from musterwerk.cli.worker import start_worker
from musterwerk.runtime.connection import Target
from musterwerk.runtime.processes import ManagedProcess


class Workers:
    """`kills` are the times, by the loop's clock, at which one was killed."""

    def __init__(self, data: Path, address: str, count: int) -> None:
        self._data = data
        self._target = Target(address, isolated=True)
        self._count = count
        self._running: list[ManagedProcess] = []
        self.kills: list[float] = []

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._running]

    async def __aenter__(self) -> Workers:
        for _ in range(self._count):
            self._running.append(await self._start())
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(process.stop() for process in self._running))

    @asynccontextmanager
    async def killed(self, every: float) -> AsyncGenerator[None]:
        """One at once, another one `every` so many seconds; each is replaced at once."""
        killing = asyncio.create_task(self._kill(every))
        try:
            yield
        finally:
            killing.cancel()
            with suppress(asyncio.CancelledError):
                await killing

    async def _kill(self, every: float) -> None:
        for number in itertools.cycle(range(self._count)):
            victim = self._running[number]
            victim.kill()
            self.kills.append(asyncio.get_running_loop().time())
            await victim.wait()
            # Shielded: a worker whose start is given up halfway would be nobody's to stop.
            starting = asyncio.create_task(self._start())
            try:
                self._running[number] = await asyncio.shield(starting)
            except asyncio.CancelledError:
                self._running[number] = await starting
                raise
            say(f"decisions: worker {number} was killed and replaced ({len(self.kills)})")
            await asyncio.sleep(every)

    async def _start(self) -> ManagedProcess:
        # The environment's mail server and database are not meant for this.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MUSTERWERK_", "TEMPORAL"))}
        return await start_worker(self._data, self._target, env=env)
