"""Record the histories that `test_histories.py` replays: `python -m tests.saga.record`.

Only for a new case or a change that is meant to break running sagas. A history that no longer
replays is what such a change looks like to the workflows of a user.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from musterwerk.runtime.connection import connect
from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer
from tests.saga import workflows
from tests.saga.world import Call, World, refuse

HISTORIES = Path(__file__).with_name("histories")


class Recorder:
    def __init__(self, client: Client) -> None:
        self.client = client

    @asynccontextmanager
    async def case(
        self, name: str, run: Any, world: World
    ) -> AsyncGenerator[WorkflowHandle[Any, Any]]:
        """Start the workflow, let the caller act, wait for its end, keep its history."""
        async with Worker(
            self.client,
            task_queue=name,
            workflows=[one for one in workflows.ALL if one is not workflows.Mended],
            activities=world.activities(),
        ):
            handle = await self.client.start_workflow(run, args=["O-1"], id=name, task_queue=name)
            yield handle
            await asyncio.gather(handle.result(), return_exceptions=True)
        first = self.client.get_workflow_handle(name, run_id=handle.first_execution_run_id)
        history = await first.fetch_history()
        (HISTORIES / f"{name}.json").write_text(history.to_json() + "\n")


async def record(recorder: Recorder) -> None:
    async with recorder.case("fulfilled", workflows.Order.run, World()):
        pass
    world = World()
    world.fail("ship", refuse("no van"))
    async with recorder.case("undone", workflows.Order.run, world):
        pass
    world = World()
    async with recorder.case("cancelled", workflows.Waiting.run, world) as handle:
        await world.started("charge")
        await handle.cancel()
    world = World()
    hold = asyncio.Event()

    async def slowly(call: Call) -> None:
        await hold.wait()

    world.on("refund", slowly)
    world.fail("ship", refuse("no van"))
    async with recorder.case("cancelled-during-undo", workflows.Order.run, world) as handle:
        await world.started("refund")
        await handle.cancel()
        hold.set()
    world = World()
    world.fail("refund", RuntimeError("bank away"))
    world.fail("ship", refuse("no van"))
    async with recorder.case("dead-letter", workflows.Order.run, world):
        await world.started("release")
        world.recover("refund")
    async with recorder.case("continued", workflows.Continued.run, World()):
        pass
    async with recorder.case("forward", workflows.Forward.run, World()):
        pass


async def main() -> None:
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), ui=False) as server:
            await record(Recorder(await connect(server.address, isolated=True)))


if __name__ == "__main__":
    asyncio.run(main())
    leave(0)
