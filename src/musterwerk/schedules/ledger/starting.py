"""That the monitor is there: each worker of ours sees to it."""

from __future__ import annotations

import asyncio
import logging

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from musterwerk.schedules.ledger.model import WORKFLOW

#: Whoever has ended it by hand does not have it back for so long.
_AGAIN_SECONDS = 60.0

_log = logging.getLogger(__name__)


def monitor_id(task_queue: str) -> str:
    """One for each task queue: workers of another one may keep another database."""
    return f"{WORKFLOW}/{task_queue}"


async def keep_watching(client: Client, task_queue: str) -> None:
    """Start the monitor unless it runs; again and again, until cancelled."""
    told = ""
    while True:
        try:
            await client.start_workflow(
                WORKFLOW,
                id=monitor_id(task_queue),
                task_queue=task_queue,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            told = ""
        except RPCError as error:
            if error.message != told:
                _log.warning("the schedule monitor could not be started: %s", error.message)
            told = error.message
        await asyncio.sleep(_AGAIN_SECONDS)
