"""The lines of code at which a workflow waits."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import temporalio

#: Whose frames say nothing about the workflow: what everything waits in, in the end.
_MACHINERY = tuple(
    os.path.dirname(one.__file__) + os.sep for one in (asyncio, temporalio) if one.__file__
)


def lines(instance: Any) -> Sequence[str]:
    """The innermost line of the workflow's own, for each of its tasks; where they are known."""
    tasks: set[asyncio.Task[Any]] = getattr(instance, "_tasks", set())
    found = (_place(task) for task in tasks)
    return sorted({one for one in found if one is not None})


def _place(task: asyncio.Task[Any]) -> str | None:
    last: FrameType | None = None
    for frame in _frames(task.get_coro()):
        if not frame.f_code.co_filename.startswith(_MACHINERY):
            last = frame
    if last is None:
        return None
    return f"{Path(last.f_code.co_filename).name}:{last.f_lineno} in {last.f_code.co_name}"


def _frames(waiting: Any) -> Iterator[FrameType]:
    """From the outside in, through coroutines and generators."""
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "gi_frame", None)
        if frame is not None:
            yield frame
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
