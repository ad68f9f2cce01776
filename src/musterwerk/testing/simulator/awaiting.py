"""Where code that awaits meets code that cannot: codecs, activities in their loop, other loops."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator.loop import VirtualLoop

T = TypeVar("T")


async def finished(awaitable: Awaitable[T]) -> T:
    """As a coroutine, which is what a loop takes."""
    return await awaitable


def at_once(loop: VirtualLoop, awaitable: Awaitable[Any]) -> Any:
    """Codecs are asynchronous; here they have to answer at once."""
    if not loop.is_running():
        return loop.run_until_complete(finished(awaitable))
    steps = awaitable.__await__()
    try:
        next(steps)
    except StopIteration as done:
        return done.value
    raise SimulationError(
        "The payload codec waits for something while an activity runs, which the simulator"
        " does not support: use a codec that answers at once"
    )


def in_thread(act: Callable[[], T]) -> T:
    """A thread has one running loop at most: do it in another one, and wait for that."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="simulator")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
