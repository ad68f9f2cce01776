"""Dead letters on their way out of the workflow, to whoever keeps and announces them.

Each letter is an abandoned child workflow on the task queue of a Musterwerk worker. So a saga
needs no such worker: the server keeps the letter until there is one, and a workflow that ends
meanwhile takes nothing back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from musterwerk.saga.model import DeadLetter

#: The task queue of Musterwerk's own worker.
TASK_QUEUE = "musterwerk"
WORKFLOW = "musterwerk.DeadLetter"
SETTLED = "settled"


class Post:
    """The letters of one saga, sent one after the other; no undo waits for them."""

    def __init__(self, saga: str, task_queue: str) -> None:
        self._saga = saga
        self._task_queue = task_queue
        self._last: asyncio.Task[None] | None = None

    def opened(self, letter: DeadLetter, number: int) -> None:
        info = workflow.info()
        letter.id = f"dead-letter/{info.workflow_id}/{self._saga}/{number}@{info.run_id}"
        content: dict[str, Any] = {
            "id": letter.id,
            "namespace": info.namespace,
            "workflow_id": info.workflow_id,
            "run_id": info.run_id,
            "workflow_type": info.workflow_type,
            "task_queue": info.task_queue,
            "saga": self._saga,
            "step": letter.step,
            "direction": letter.direction,
            "activity": letter.activity,
            "error": letter.error,
            "since": letter.since,
            "attempts": letter.attempts,
        }
        self._send(self._start(content))

    def settled(self, letter: DeadLetter) -> None:
        content = {
            "attempts": letter.attempts,
            "error": letter.error,
            "resolution": letter.resolution,
            "settled_at": workflow.now().isoformat(),
        }
        self._send(self._tell(letter.id, content))

    async def sent(self) -> None:
        """Wait until the server has everything; no worker is needed for that."""
        if self._last is not None:
            await self._last

    def _send(self, work: Coroutine[Any, Any, None]) -> None:
        self._last = asyncio.create_task(self._in_turn(self._last, work))

    async def _in_turn(
        self, before: asyncio.Task[None] | None, work: Coroutine[Any, Any, None]
    ) -> None:
        if before is not None:
            await before
        try:
            await work
        except FailureError as err:
            # The letter itself is in the report; the saga's own work must not fail over it.
            workflow.logger.error("A dead letter could not be sent on: %s", err)

    async def _start(self, content: dict[str, Any]) -> None:
        await workflow.start_child_workflow(
            WORKFLOW,
            content,
            id=content["id"],
            task_queue=self._task_queue,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
        )

    async def _tell(self, letter: str, content: dict[str, Any]) -> None:
        await workflow.get_external_workflow_handle(letter).signal(SETTLED, content)
