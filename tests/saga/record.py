"""Record histories that `test_histories.py` replays: `python -m tests.saga.record CASE...`.

Only for a new case or a change that is meant to break running sagas. A history that no longer
replays is what such a change looks like to the workflows of a user.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from musterwerk.runtime.connection import connect
from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer
from tests.saga import branching, nesting, outcomes, workflows
from tests.saga.world import World, refuse

WORKFLOWS: list[type] = [
    *(one for one in workflows.ALL if one is not workflows.Mended),
    *branching.ALL,
    *nesting.ALL,
    *outcomes.ALL,
]
HISTORIES = Path(__file__).with_name("histories")


class Recorder:
    def __init__(self, client: Client) -> None:
        self.client = client

    @asynccontextmanager
    async def case(
        self, name: str, run: Any, world: World, *args: Any
    ) -> AsyncGenerator[WorkflowHandle[Any, Any]]:
        """Start the workflow, let the caller act, wait for its end, keep its history."""
        async with Worker(
            self.client,
            task_queue=name,
            workflows=WORKFLOWS,
            activities=world.activities(),
        ):
            handle = await self.client.start_workflow(
                run, args=list(args) or ["O-1"], id=name, task_queue=name
            )
            yield handle
            await asyncio.gather(handle.result(), return_exceptions=True)
        first = self.client.get_workflow_handle(name, run_id=handle.first_execution_run_id)
        history = json.loads((await first.fetch_history()).to_json())
        text = json.dumps(_without_traces(history), indent=2)
        (HISTORIES / f"{name}.json").write_text(text + "\n")


def _without_traces(part: Any) -> Any:
    """Stack traces tell paths of the machine, and a replay does not look at them."""
    if isinstance(part, list):
        return [_without_traces(one) for one in cast("list[Any]", part)]
    if isinstance(part, dict):
        named = cast("dict[str, Any]", part)
        return {name: _without_traces(one) for name, one in named.items() if name != "stackTrace"}
    return part


async def fulfilled(recorder: Recorder) -> None:
    async with recorder.case("fulfilled", workflows.Order.run, World()):
        pass


async def undone(recorder: Recorder) -> None:
    world = World()
    world.fail("ship", refuse("no van"))
    async with recorder.case("undone", workflows.Order.run, world):
        pass


async def cancelled(recorder: Recorder) -> None:
    world = World()
    async with recorder.case("cancelled", workflows.Waiting.run, world) as handle:
        await world.started("charge")
        await handle.cancel()


async def cancelled_during_undo(recorder: Recorder) -> None:
    world = World()
    refunded = world.hold("refund")
    world.fail("ship", refuse("no van"))
    async with recorder.case("cancelled-during-undo", workflows.Order.run, world) as handle:
        await world.started("refund")
        await handle.cancel()
        refunded.set()


async def dead_letter(recorder: Recorder) -> None:
    world = World()
    world.fail("refund", RuntimeError("bank away"))
    world.fail("ship", refuse("no van"))
    async with recorder.case("dead-letter", workflows.Order.run, world):
        await world.started("release")
        world.recover("refund")


async def continued(recorder: Recorder) -> None:
    async with recorder.case("continued", workflows.Continued.run, World()):
        pass


async def forward(recorder: Recorder) -> None:
    async with recorder.case("forward", workflows.Forward.run, World()):
        pass


async def branches_undone(recorder: Recorder) -> None:
    world = World()
    world.fail("confirm", refuse("no mail"))
    async with recorder.case("branches-undone", branching.Trip.run, world):
        pass


async def probed(recorder: Recorder) -> None:
    world = World()
    world.fail("charge", RuntimeError("lost"))
    async with recorder.case("probed", outcomes.Unknown.run, world, "O-1", "probe"):
        pass


async def late(recorder: Recorder) -> None:
    async with recorder.case("deadline", outcomes.Deadline.run, World(), "O-1", 0.5):
        pass


async def child_undone(recorder: Recorder) -> None:
    world = World()
    world.fail("ship", refuse("no van"))
    async with recorder.case("child-undone", nesting.Parent.run, world):
        pass


async def posted(recorder: Recorder) -> None:
    world = World()
    world.fail("refund", refuse("account closed"))
    async with recorder.case("posted", outcomes.Posting.run, world, "O-1", "letters"):
        await world.started("refund")
        world.recover("refund")


CASES = [
    fulfilled,
    undone,
    cancelled,
    cancelled_during_undo,
    dead_letter,
    continued,
    forward,
    branches_undone,
    probed,
    late,
    child_undone,
    posted,
]


async def main(names: list[str]) -> None:
    unknown = set(names) - {case.__name__ for case in CASES}
    if unknown or not names:
        sys.exit(f"name the cases to record: {', '.join(case.__name__ for case in CASES)}")
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), ui=False) as server:
            recorder = Recorder(await connect(server.address, isolated=True))
            for case in CASES:
                if case.__name__ in names:
                    await case(recorder)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    leave(0)
