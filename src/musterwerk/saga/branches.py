"""Branches of a saga: side by side, and settled together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Any

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from musterwerk.saga.model import Branch
from musterwerk.shielding import spawn

_current: ContextVar[Branch] = ContextVar("musterwerk.saga.branch", default=())


def current_branch() -> Branch:
    """The branch in which the calling code runs; tasks that it starts inherit it."""
    return _current.get()


async def gather(
    group: int,
    branches: Sequence[Coroutine[Any, Any, Any]],
    *,
    is_failure: Callable[[BaseException], bool],
    give_up: Callable[[], object] | None,
) -> tuple[Any, ...]:
    """Run the branches, and return or raise only when all of them have ended.

    The first failure, or a cancellation, cancels the others, after `give_up` was called. Without
    that they go to their end first. What is no failure is a bug, and raised at once: the workflow
    task fails, and nothing goes on.
    """
    outer = current_branch()
    tasks = [
        spawn(_in_branch((*outer, (group, number)), branch))
        for number, branch in enumerate(branches, 1)
    ]
    cancelled = told = False
    while not all(task.done() for task in tasks):
        try:
            await workflow.wait(
                [task for task in tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            cancelled, told = True, False
        errors = _errors(tasks)
        for err in errors:
            if not is_failure(err):
                raise err
        if (cancelled or errors) and not told and give_up is not None:
            told = True
            give_up()
            for task in tasks:
                task.cancel()
    errors = _errors(tasks)
    if cancelled:
        raise asyncio.CancelledError
    if errors:
        # The first that is not a cancellation, which the others caused.
        raise next((err for err in errors if not is_cancelled_exception(err)), errors[0])
    return tuple(task.result() for task in tasks)


def _errors(tasks: Sequence[asyncio.Task[Any]]) -> list[BaseException]:
    errors = [
        asyncio.CancelledError() if task.cancelled() else task.exception()
        for task in tasks
        if task.done()
    ]
    return [err for err in errors if err is not None]


async def _in_branch(branch: Branch, work: Coroutine[Any, Any, Any]) -> Any:
    _current.set(branch)
    return await work
