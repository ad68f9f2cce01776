"""`explore`: the entrance."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.converter import DataConverter
from temporalio.worker import Interceptor

from musterwerk.errors import UsageError
from musterwerk.testing.explorer.asked import (
    HORIZON,
    MAX_TASKS,
    Asked,
    Invariant,
    Outside,
    WorldType,
)
from musterwerk.testing.explorer.course import Process
from musterwerk.testing.explorer.faults import Fault
from musterwerk.testing.explorer.found import Found
from musterwerk.testing.explorer.keeping import into
from musterwerk.testing.explorer.lines import Lines
from musterwerk.testing.explorer.progress import bar
from musterwerk.testing.explorer.quiet import quiet
from musterwerk.testing.explorer.report import Exploration, report_on
from musterwerk.testing.explorer.search import Search
from musterwerk.testing.explorer.walking import Walking
from musterwerk.testing.simulator.decisions import Message
from musterwerk.testing.simulator.simulator import Simulator

# They share what Python has but one of: the state of `random`, and what the log lets through.
_one_at_a_time = threading.Lock()
_within: ContextVar[bool] = ContextVar("within an exploration", default=False)


async def explore(
    workflow_run: Callable[..., Awaitable[Any]],
    *args: Any,
    world: WorldType,
    invariants: Sequence[Invariant],
    workflows: Sequence[type] = (),
    max_faults: int = 2,
    cancel: bool = True,
    kill: bool = True,
    hurry: bool = False,
    possible: Callable[[Fault], bool] | None = None,
    messages: Sequence[Message] = (),
    always: Sequence[Invariant] = (),
    outside: Outside | None = None,
    may_wait: bool = False,
    only: Sequence[Fault] | None = None,
    budget: timedelta | None = None,
    walks: int | None = None,
    seed: int = 0,
    max_tasks: int = MAX_TASKS,
    horizon: timedelta = HORIZON,
    histories: str | Path | None = None,
    data_converter: DataConverter = DataConverter.default,
    interceptors: Sequence[Interceptor] = (),
) -> Exploration:
    """Run the process under every set of up to `max_faults` faults, small sets first, until
    something that has to hold does not.

    `world` is a class used as a context manager, made fresh for each run, whose `activities()` are
    those to register; with a method `state()`, runs that come to equal states are merged. Those
    invariants that are in `always` are asked, with None for the outcome, whenever a workflow task
    starts and no activity runs. `workflows` take part as children.

    `cancel` and `messages` may arrive once each, at every point, messages with `at` arrive then;
    `outside` is what else others do anyway. `kill`: workers die. `possible` says of a fault whether
    it can happen here; without it all can. `hurry`: after a fault the next attempt comes at once,
    and so does a timeout, so that more runs are equal; races of retries and timers are not seen.

    Unless it `may_wait`, a process that never ends is a bug; so is one that takes more than
    `max_tasks` workflow tasks, or longer than `horizon` in virtual time. After `budget` the search
    ends, not exhausted. With `walks` so many random sets are tried, drawn by `seed`, and what is
    found is made as small as can be. With `only` there is one run, with these faults (without any
    there are two, which have to be the same); of others the log is not heard. Every history is
    written into the folder `histories`, for `replay`.

    Shows how far it is if stderr is a terminal. Several at once wait for each other. Raises
    UsageError for what cannot be run, and where faults of `only` have no place.
    """
    asked = Asked(
        workflow_run, args, world, invariants, workflows, cancel, kill, hurry, possible,
        messages, always, outside, may_wait, seed, data_converter, interceptors, max_tasks, horizon,
    )  # fmt: skip
    asked.check(only)
    if _within.get():
        raise UsageError("an exploration cannot be part of another one: let it end first")
    _check_limits(max_faults, walks, budget, only)
    simulator = Simulator(
        workflows=[asked.workflow, *workflows],
        seed=seed,
        data_converter=data_converter,
        interceptors=interceptors,
    )
    process = Process(simulator, asked)
    search = Search(process, max_faults)
    if walks is not None:
        search = Walking(process, max_faults, walks=walks, seed=seed)
    search.lines = Lines(asked.workflow)
    search.keep = into(histories) if histories is not None else None

    def work() -> Found:
        _within.set(True)  # in this thread's own context
        with _one_at_a_time, simulator:
            if budget is not None and search.until is None:
                search.until = time.monotonic() + budget.total_seconds()
            if only is not None:
                return search.once(tuple(only))
            with quiet(), bar(asked.workflow.__name__) as search.tell:
                return search.run()

    try:
        found = await asyncio.to_thread(work)
    except asyncio.CancelledError:
        search.until = time.monotonic()  # nobody waits for the thread: let it end soon
        raise
    return report_on(asked, max_faults if only is None else len(only), found, only is not None)


def _check_limits(
    max_faults: int, walks: int | None, budget: Any, only: Sequence[Fault] | None
) -> None:
    if max_faults < 0:
        raise UsageError(f"max_faults is {max_faults}: give the largest number of faults to try")
    if walks is not None and (walks < 1 or only is not None):
        raise UsageError(f"walks is {walks}: give how many sets to draw, and no `only`")
    if budget is not None and not (isinstance(budget, timedelta) and budget >= timedelta()):
        raise UsageError(f"budget is {budget!r}: give how long to search, as a timedelta")
