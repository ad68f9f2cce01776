"""A worker in a process in which nothing has been loaded: prints what one run of `Report` says."""

from __future__ import annotations

import asyncio
import json
import sys

from temporalio.client import Client
from temporalio.worker import Worker

from tests.schedules.server.reports import Report


async def main(address: str, queue: str, workflow_id: str) -> None:
    client = await Client.connect(address)
    async with Worker(client, task_queue=queue, workflows=[Report]):
        found = await client.get_workflow_handle(workflow_id).result()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
