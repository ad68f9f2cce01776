"""`explore`: the entrance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.converter import DataConverter
from temporalio.worker import Interceptor

from musterwerk.errors import UsageError
from musterwerk.testing.explorer.course import Invariant, Process, WorldType
from musterwerk.testing.explorer.faults import label
from musterwerk.testing.explorer.report import Counterexample, Exploration
from musterwerk.testing.explorer.search import Found, Search
from musterwerk.testing.explorer.timeline import timeline
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
) -> Exploration:
    """Run the process under every set of up to `max_faults` faults, small sets first, until
    something that has to hold does not.

    `world` is a class used as a context manager, made fresh for each run, whose `activities()` are
    those to register. An invariant is a function of the world and the outcome that raises
    AssertionError; those in `always` are asked, with None for the outcome, whenever a workflow task
    starts and no activity runs. `workflows` are others that take part, as children. `cancel` and
    `messages` may arrive once each, at every point; `kill`: workers die. `outside` is what others
    do anyway. Unless it `may_wait`, a process that never ends is a bug. After `budget` the search
    ends, and the report says that it is not exhausted. Raises UsageError for what cannot be run.
    """
    arrivals = (*((CANCEL,) if cancel else ()), *messages)
    labels = [label(one) for one in arrivals]
    if len(set(labels)) < len(labels):
        raise UsageError(f"`messages` has one twice, of which each arrives once: {labels}")
    simulator = Simulator(
        workflows=[_class_of(workflow_run), *workflows],
        seed=seed,
        data_converter=data_converter,
        interceptors=interceptors,
    )
    process = Process(
        simulator, workflow_run, args, world, invariants, always,
        arrivals, kill, seed, may_wait, outside,
    )  # fmt: skip
    until = time.monotonic() + budget.total_seconds() if budget is not None else None
    search = Search(process, max_faults, until)

    def work() -> Found:
        with simulator:
            return search.run()

    try:
        found = await asyncio.to_thread(work)
    except asyncio.CancelledError:
        search.until = time.monotonic()  # nobody waits for the thread: let it end soon
        raise
    return _report(workflow_run.__qualname__.split(".")[0], max_faults, found)


def _report(process: str, max_faults: int, found: Found) -> Exploration:
    course, counterexample = found.violated, None
    if course is not None:
        story = timeline(course.journal, course.outcome)
        counterexample = Counterexample(course.faults, course.violations, story, course.outcome)
    return Exploration(
        process, max_faults, dict(found.runs), len(found.points), dict(found.statuses),
        found.seconds, found.exhausted and counterexample is None, counterexample,
    )  # fmt: skip


def _class_of(run: Callable[..., Awaitable[Any]]) -> type:
    """The class of a workflow's run method."""
    first, *rest = run.__qualname__.split(".")[:-1] or [""]
    scope: Any = getattr(run, "__globals__", {}).get(first)
    for name in rest:
        scope = getattr(scope, name, None)
    if not isinstance(scope, type):
        raise UsageError(
            f"{run.__qualname__} is no run method of a workflow class of a module: define the class"
            " at the top of a module, and give `explore` its run method, such as `Order.run`"
        )
    return scope
