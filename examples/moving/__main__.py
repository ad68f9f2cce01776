"""Two executions begin under version 1 and end under version 2, beside a new one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from examples.moving import version1, version2
from examples.moving.activities import Services
from examples.running import play

QUEUE = "fulfilment"


async def main(client: Client, folder: Path) -> None:
    services = Services()
    async with worker(client, version1.Fulfilment, services):
        in_flight = await start(client, "O-1")
        failing = await start(client, "O-2")
        while not {"charge O-1", "charge O-2"} <= set(services.lines):  # noqa: ASYNC110 - a list
            await asyncio.sleep(0.05)
        print("version 1 stops; in flight:", sorted(services.lines))

    services.no_van_for.add("O-2")
    async with worker(client, version2.Fulfilment, services):
        new = await start(client, "O-3")
        for handle in (in_flight, failing, new):
            await handle.signal("approve")
        print("in flight:", await in_flight.result())
        print("new:", await new.result())
        try:
            await failing.result()
        except WorkflowFailureError:
            print("failed after the move: undone,", services.of("O-2"))


def worker(client: Client, workflow: type[Any], services: Services) -> Worker:
    return Worker(client, task_queue=QUEUE, workflows=[workflow], activities=services.activities())


async def start(client: Client, order: str) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        "Fulfilment", order, id=order, task_queue=QUEUE, result_type=str
    )


if __name__ == "__main__":
    play(main)
