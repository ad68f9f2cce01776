"""What the hand-written sagas have in common, each part right as far as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ONCE = RetryPolicy(maximum_attempts=1)
THRICE = RetryPolicy(maximum_attempts=3)
#: What ends a workflow: a failure of Temporal's, a cancellation, the end of a wait.
FAILURES = (FailureError, asyncio.CancelledError, asyncio.TimeoutError)


async def do(step: str, *args: str) -> str:
    """One attempt. Nobody knows after a failure whether it had its effect."""
    return await workflow.execute_activity(
        step, args=args, result_type=str, start_to_close_timeout=MINUTE, retry_policy=ONCE
    )


async def persist(step: str, *args: str) -> str:
    """Up to three attempts."""
    return await workflow.execute_activity(
        step, args=args, result_type=str, start_to_close_timeout=MINUTE, retry_policy=THRICE
    )


async def insist(undo: str, *args: str) -> None:
    """Until it succeeds: an undo that gives up leaves the mess to nobody."""
    while True:
        try:
            await workflow.execute_activity(undo, args=args, start_to_close_timeout=MINUTE)
        except ActivityError as err:
            if is_cancelled_exception(err):
                raise
            await workflow.sleep(MINUTE)
        else:
            return


async def shielded(work: Coroutine[Any, Any, None]) -> None:
    """To its end, whatever is cancelled meanwhile."""
    try:
        task = asyncio.create_task(work)
    except BaseException:  # the workflow is being evicted
        work.close()
        raise
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                break
            current = asyncio.current_task()
            if current is not None:
                current.uncancel()
    task.result()


async def tell(order: str) -> None:
    """A mail that cannot be sent, or is stopped, undoes no order."""
    try:
        await do("tell", order)
    except ActivityError:
        workflow.logger.warning("no mail for %s", order)


class Undos:
    """What has to be undone, last first. Each is registered before its step begins."""

    def __init__(self, registered: list[list[str]] | None = None) -> None:
        self.registered = registered or []

    def add(self, undo: str, *args: str) -> None:
        self.registered.append([undo, *args])

    async def run(self) -> None:
        while self.registered:
            await insist(*self.registered.pop())
