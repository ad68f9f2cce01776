"""`explore`: the entrance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.converter import DataConverter
from temporalio.worker import Interceptor

from musterwerk.errors import SimulationError
from musterwerk.testing.explorer.course import Invariant, Process, WorldType
from musterwerk.testing.explorer.search import Found, Search
from musterwerk.testing.simulator.decisions import CANCEL, Message
from musterwerk.testing.simulator.handle import SimulatedHandle
from musterwerk.testing.simulator.simulator import Simulator


async def explore(
    workflow_run: Callable[..., Awaitable[Any]],
    *args: Any,
    world: WorldType,
    invariants: Sequence[Invariant],
    workflows: Sequence[type] = (),
    max_faults: int = 2,
    cancel: bool = True,
    kill: bool = True,
    messages: Sequence[Message] = (),
    always: Sequence[Invariant] = (),
    outside: Callable[[SimulatedHandle], Awaitable[None]] | None = None,
    may_wait: bool = False,
    budget: timedelta | None = None,
    seed: int = 0,
    data_converter: DataConverter = DataConverter.default,
    interceptors: Sequence[Interceptor] = (),
) -> Found:
    simulator = Simulator(
        workflows=[_class_of(workflow_run), *workflows],
        seed=seed,
        data_converter=data_converter,
        interceptors=interceptors,
    )
    process = Process(
        simulator, workflow_run, args, world, invariants, always,
        (*((CANCEL,) if cancel else ()), *messages), kill, seed, may_wait, outside,
    )  # fmt: skip
    until = time.monotonic() + budget.total_seconds() if budget is not None else None
    search = Search(process, max_faults, until, lambda found, size: None)
    try:
        return await asyncio.to_thread(search.run)
    finally:
        simulator.close()


def _class_of(run: Callable[..., Awaitable[Any]]) -> type:
    """The class of a workflow's run method."""
    scope: Any = __import__(run.__module__, fromlist=["*"])
    for name in run.__qualname__.split(".")[:-1]:
        scope = getattr(scope, name, None)
    if not isinstance(scope, type):
        raise SimulationError(
            f"{run.__qualname__} is no run method of a workflow class of a module: define the class"
            " at the top of a module, and give `explore` its run method, such as `Order.run`"
        )
    return scope
