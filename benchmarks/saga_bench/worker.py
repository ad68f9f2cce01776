"""The worker under measurement, a process of its own: `python -m saga_bench.worker`.

It stops when its stdin ends, so it never outlives the benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import threading

from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from musterwerk.runtime.connection import connect
from musterwerk.runtime.exits import leave
from saga_bench.by_hand import HandWritten, HandWrittenBranches, HandWrittenOpen
from saga_bench.empty import Empty
from saga_bench.steps import ACTIVITIES
from saga_bench.with_saga import WithSaga, WithSagaBranches, WithSagaOpen


async def run(options: argparse.Namespace) -> None:
    client = await connect(options.address, isolated=True)
    async with Worker(
        client,
        task_queue=options.task_queue,
        workflows=[
            Empty,
            HandWritten,
            HandWrittenBranches,
            HandWrittenOpen,
            WithSaga,
            WithSagaBranches,
            WithSagaOpen,
        ],
        activities=ACTIVITIES,
        max_cached_workflows=options.cache,
        workflow_runner=(
            UnsandboxedWorkflowRunner() if options.no_sandbox else SandboxedWorkflowRunner()
        ),
    ):
        await _end_of_stdin()


async def _end_of_stdin() -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def watch() -> None:
        while os.read(0, 1024):
            pass
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()
    await ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--task-queue", required=True)
    parser.add_argument("--cache", type=int, required=True)
    parser.add_argument("--no-sandbox", action="store_true")
    asyncio.run(run(parser.parse_args()))
    leave(0)


if __name__ == "__main__":
    main()
