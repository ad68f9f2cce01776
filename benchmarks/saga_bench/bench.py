"""What every measurement shares: the server, its client, and workers as processes of their own."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from temporalio.client import Client

from musterwerk.runtime.processes import Command, ManagedProcess, ProcessDied, first_death
from musterwerk.runtime.server import EmbeddedServer
from saga_bench.steps import Order

T = TypeVar("T")

#: How the variants are called in the JSON: the engine's floor, and two pairs to compare.
EMPTY, HAND_WRITTEN, SAGA = "empty", "hand_written", "saga"
HAND_WRITTEN_BRANCHES, SAGA_BRANCHES = "hand_written_branches", "saga_branches"
#: The workflow type of each.
WORKFLOWS = {
    EMPTY: "bench-empty",
    HAND_WRITTEN: "bench-hand-written",
    SAGA: "bench-saga",
    HAND_WRITTEN_BRANCHES: "bench-hand-written-branches",
    SAGA_BRANCHES: "bench-saga-branches",
}


@dataclass(frozen=True)
class Settings:
    orders: int
    concurrency: int
    rounds: int
    open: int
    open_rounds: int
    sandbox: bool
    quick: bool = False


@dataclass(frozen=True)
class WorkerProcess:
    queue: str
    process: ManagedProcess


@dataclass(frozen=True)
class Bench:
    client: Client
    server: EmbeddedServer
    settings: Settings

    @asynccontextmanager
    async def worker(self, *, cache: int) -> AsyncGenerator[WorkerProcess]:
        """A fresh worker on a queue of its own, ready for work."""
        queue = f"bench-{uuid.uuid4()}"
        process = ManagedProcess.start(self._command(queue, cache))
        try:
            worker = WorkerProcess(queue, process)

            async def answers() -> bool:
                await self.execute(worker, WORKFLOWS[EMPTY])
                return True

            await process.ready(answers)
            yield worker
        finally:
            await process.stop()

    async def execute(self, worker: WorkerProcess, workflow: str) -> str:
        """Run one order to its end; returns the workflow's id."""
        order = new_order()
        await self.client.execute_workflow(
            workflow, order, id=order.order_id, task_queue=worker.queue
        )
        return order.order_id

    async def many(
        self, worker: WorkerProcess, count: int, once: Callable[[], Awaitable[T]]
    ) -> list[T]:
        """`count` times, `concurrency` at once. Raises ProcessDied if worker or server ends."""
        gate = asyncio.Semaphore(self.settings.concurrency)

        async def in_turn() -> T:
            async with gate:
                return await once()

        async def all_of_them() -> list[T]:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(in_turn()) for _ in range(count)]
            return [task.result() for task in tasks]

        return await _while_alive([worker.process, self.server.process], all_of_them())

    def _command(self, queue: str, cache: int) -> Command:
        args = [sys.executable, "-m", "saga_bench.worker", "--address", self.server.address]
        args += ["--task-queue", queue, "--cache", str(cache)]
        return Command(
            name="the worker",
            args=args if self.settings.sandbox else [*args, "--no-sandbox"],
            log=self.server.data / "logs" / "worker.log",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stop_by="stdin",
        )


def new_order() -> Order:
    return Order(f"order-{uuid.uuid4()}", "CD-1001", 2, 2998, "EUR")


def say(text: str) -> None:
    """Progress. stdout is for the JSON alone."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


async def _while_alive(processes: Sequence[ManagedProcess], work: Coroutine[Any, Any, T]) -> T:
    death = asyncio.create_task(first_death(processes))
    task = asyncio.create_task(work)
    try:
        await asyncio.wait((death, task), return_when=asyncio.FIRST_COMPLETED)
        if death.done():
            raise ProcessDied(death.result())
        return task.result()
    finally:
        death.cancel()
        task.cancel()
        # What else the work reports is then only a consequence.
        await asyncio.gather(task, return_exceptions=True)
