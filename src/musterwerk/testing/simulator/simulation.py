"""A small world in virtual time: what all its runs share, and what they ask of it."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator import beginning, child_ends, handlers, messages
from musterwerk.testing.simulator.awaiting import finished
from musterwerk.testing.simulator.calls import Call
from musterwerk.testing.simulator.clock import Agenda, moment
from musterwerk.testing.simulator.decisions import Attempt, Decisions, Message
from musterwerk.testing.simulator.functions import Activities
from musterwerk.testing.simulator.loop import VirtualLoop
from musterwerk.testing.simulator.outcome import CallSeen
from musterwerk.testing.simulator.payloads import Converter
from musterwerk.testing.simulator.register import Register
from musterwerk.testing.simulator.run import Run
from musterwerk.testing.simulator.seeds import Ids
from musterwerk.testing.simulator.worker import Workflows


class Simulation:
    def __init__(
        self,
        *,
        workflows: Workflows,
        activities: Activities,
        converter: Converter,
        loop: VirtualLoop,
        decisions: Decisions,
        seed: int,
        start: int,
        max_tasks: int,
    ) -> None:
        self.workflows = workflows
        self.activities = activities
        self.converter = converter
        self.loop = loop
        self.agenda = Agenda(start)
        self.ids = Ids(seed)
        self.register = Register()
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.calls: set[Call] = set()
        self.calls_seen: list[CallSeen] = []
        #: Whether an activity did not end in the instant in which it began.
        self.took_time = False
        self.held: list[tuple[Attempt, Callable[[], None], Callable[[], bool]]] = []
        self.others: set[asyncio.Task[Any]] = set()
        self.waking: deque[Run] = deque()
        self.tasks_left = max_tasks
        self._decisions = decisions
        self._error: BaseException | None = None

    def begin(self) -> None:
        """From now on the loop is this simulation's own."""
        self.loop.begin(self.agenda.now)
        self.loop.set_exception_handler(self._unhandled)

    def decide(self, what: str) -> Decisions:
        self.counts[what] += 1
        return self._decisions

    def handle(self, run: Run, command: WorkflowCommand) -> None:
        handlers.handle(run, command)

    def wake(self, run: Run) -> None:
        """Give it a workflow task as soon as may be."""
        if run.begun and not run.closed and run not in self.waking:
            self.waking.append(run)

    def start_at_once(self, run: Run) -> None:
        """Give it a workflow task before anything else happens, if there is one left to give."""
        self.wake(run)
        if self.tasks_left and run in self.waking:
            self.waking.remove(run)
            self.tasks_left -= 1
            run.start_task()

    def send(self, given: Sequence[Message], *, with_task_of: Run | None = None) -> None:
        messages.send(self, given, with_task_of=with_task_of)

    def called(self, attempt: Attempt, call: Call) -> None:
        """An activity function has ended, whether or not anybody waits for it."""
        self.calls_seen.append(
            CallSeen(
                attempt, moment(self.agenda.now), call.arguments, call.result, call.error, call
            )
        )

    def release(self) -> bool:
        """Call the activities that were held back, before anything else happens; false if there are
        none."""
        held, self.held = self.held, []
        for _, launch, _ in reversed(held):
            self.agenda.next(launch)
        return bool(held)

    def run_closed(self, run: Run) -> None:
        """What the server does afterwards, for children, for the parent, for who comes next."""
        now, at = self.agenda.now, self.agenda.at
        for child in run.children.values():
            at(now, partial(child_ends.parent_closed, child))
        following, child = run.next_run, run.birth.child
        if following is not None:
            at(now, lambda: beginning.begin(following))
        elif child is not None:
            child_ends.child_closed(child, run)
        self.register.closed(run)

    def let_happen(self, outside: Awaitable[None]) -> None:
        """Others do this meanwhile. An error of theirs ends the simulation."""
        task = self.loop.create_task(finished(outside))
        self.others.add(task)

        def over(task: asyncio.Task[Any]) -> None:
            self.others.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._error = error

        task.add_done_callback(over)

    def settle(self) -> None:
        self.loop.settle()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Errors of ours end the run. Those of users' own background tasks are logged as ever."""
        error = context.get("exception")
        if isinstance(error, SimulationError):
            self._error = error
        else:
            self.loop.default_exception_handler(context)

    def tear_down(self) -> None:
        """Nobody is told any more. What still runs stands still, until the loop is cleared: to end
        it would have it tidy up, before anybody has seen how it left the world."""
        self.loop.owes.extend(call.abandon for call in self.calls)
        for run in self.register.runs:
            run.cache.evict()

    def forget(self) -> None:
        """Cut the circles in which all know each other, so that they are gone at once.

        To leave that to Python's collector would slow down everybody who runs thousands of
        simulations.
        """
        self.register.forget()
        self.agenda = Agenda(self.agenda.now)
