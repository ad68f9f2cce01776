"""Dead letters on their way out of the workflow, to whoever keeps and announces them.

Each letter is an abandoned child workflow on the task queue of a Musterwerk worker. So a saga
needs no such worker: the server keeps the letter until there is one, and a workflow that ends
meanwhile takes nothing back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from temporalio import workflow
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from musterwerk.saga.letter import SETTLED, WORKFLOW, Letter, Resolution, Settlement
from musterwerk.saga.model import DeadLetter

#: The task queue of Musterwerk's own worker.
TASK_QUEUE = "musterwerk"


class Post:
    """The letters of one saga, sent one after the other; no undo waits for them."""

    def __init__(self, saga: str, task_queue: str) -> None:
        self._saga = saga
        self._task_queue = task_queue
        self._last: asyncio.Task[None] | None = None

    def opened(self, letter: DeadLetter, number: int) -> None:
        info = workflow.info()
        # The original run's id, which a reset does not change: a replay must find the same child.
        run = info.original_execution_run_id
        letter.id = f"dead-letter/{info.workflow_id}/{self._saga}/{number}@{run}"
        content = Letter(
            id=letter.id,
            namespace=info.namespace,
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            workflow_type=info.workflow_type,
            task_queue=info.task_queue,
            saga=self._saga,
            step=letter.step,
            direction=letter.direction,
            activity=letter.activity,
            error=letter.error,
            since=letter.since,
            attempts=letter.attempts,
            kind=letter.kind,
            actions=list(letter.actions),
            retried=letter.retried,
        )
        self._send(partial(self._start, content))

    def settled(self, letter: DeadLetter) -> None:
        how = letter.resolution
        content = Settlement(
            attempts=letter.attempts,
            error=letter.error,
            settled_at=letter.settled_at or workflow.now().isoformat(),
            resolution=None if how is None else Resolution(**how),
        )
        self._send(partial(self._tell, letter.id, content))

    async def sent(self) -> None:
        """Wait until the server has everything; no worker is needed for that."""
        if self._last is not None:
            await self._last

    def _send(self, work: Callable[[], Awaitable[None]]) -> None:
        turn = self._in_turn(self._last, work)
        try:
            self._last = asyncio.create_task(turn)
        except BaseException:  # the workflow is being evicted from the worker's cache
            turn.close()
            raise

    async def _in_turn(
        self, before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]
    ) -> None:
        if before is not None:
            await before
        try:
            await work()
        except WorkflowAlreadyStartedError:
            # A reset to before the letter: it is still there from the first time.
            workflow.logger.info("A dead letter has been sent before")
        except FailureError as err:
            # The letter itself is in the report; the saga's own work must not fail over it.
            workflow.logger.error("A dead letter could not be sent on: %s", err)

    async def _start(self, content: Letter) -> None:
        await workflow.start_child_workflow(
            WORKFLOW,
            content.as_json(),
            id=content.id,
            task_queue=self._task_queue,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
        )

    async def _tell(self, letter: str, content: Settlement) -> None:
        await workflow.get_external_workflow_handle(letter).signal(SETTLED, content.as_json())
