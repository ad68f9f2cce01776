"""A small world in virtual time: all runs, and what happens next."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator import beginning, child_ends, handlers, messages
from musterwerk.testing.simulator.attempts import Call, CallSeen
from musterwerk.testing.simulator.clock import Agenda, Entry, moment, nanoseconds
from musterwerk.testing.simulator.decisions import Attempt, Decisions, Message
from musterwerk.testing.simulator.loop import VirtualLoop
from musterwerk.testing.simulator.payloads import Converter
from musterwerk.testing.simulator.run import Run
from musterwerk.testing.simulator.seeds import Ids
from musterwerk.testing.simulator.worker import Activities, Workflows


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
        self.runs: list[Run] = []
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()
        self.calls: set[Call] = set()
        self.calls_seen: list[CallSeen] = []
        #: Whether an activity did not end in the instant in which it began.
        self.took_time = False
        self.held: list[tuple[Attempt, Callable[[], None], Callable[[], bool]]] = []
        self.others: set[asyncio.Task[Any]] = set()
        self._decisions = decisions
        self._newest: dict[str, Run] = {}
        self._waking: deque[Run] = deque()
        self._last = start
        self._tasks_left = max_tasks
        self._over: dict[str, list[Callable[[Run], object]]] = {}
        self._error: BaseException | None = None
        loop.set_exception_handler(self._unhandled)

    def decide(self, what: str) -> Decisions:
        self.counts[what] += 1
        return self._decisions

    def add(self, run: Run) -> None:
        self.runs.append(run)
        self._newest[run.workflow_id] = run

    def newest(self, workflow_id: str) -> Run | None:
        return self._newest.get(workflow_id)

    def running(self, workflow_id: str, run_id: str = "") -> Run | None:
        """The run that takes signals under this id, if it is open and the one that is meant."""
        run = self._newest.get(workflow_id)
        if run is None or run.closed or (run_id and run.run_id != run_id):
            return None
        return run

    def handle(self, run: Run, command: WorkflowCommand) -> None:
        handlers.handle(run, command)

    def wake(self, run: Run) -> None:
        """Give it a workflow task as soon as may be."""
        if run.begun and not run.closed and run not in self._waking:
            self._waking.append(run)

    def start_at_once(self, run: Run) -> None:
        """Give it a workflow task before anything else happens, if there is one left to give."""
        self.wake(run)
        if self._tasks_left and run in self._waking:
            self._waking.remove(run)
            self._tasks_left -= 1
            run.start_task()

    def send(self, given: Sequence[Message], *, with_task_of: Run | None = None) -> None:
        messages.send(self, given, with_task_of=with_task_of)

    def send_later(self, message: Message) -> None:
        """As long after the start as it says; now is the start."""
        when = self.agenda.now + nanoseconds(message.at or timedelta())
        self.agenda.at(when, lambda: self.send([message]))

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
        tell = self._over.pop(run.run_id, [])
        if following is not None:
            self._over[following.run_id] = tell
            at(now, lambda: beginning.begin(following))
        elif child is not None:
            child_ends.child_closed(child, run)
        if following is None:
            for one in tell:
                one(run)

    def last(self, run: Run) -> Run:
        """The newest run of the chain that this one belongs to."""
        while run.next_run is not None:
            run = run.next_run
        return run

    def when_over(self, run: Run, tell: Callable[[Run], object]) -> None:
        """Tell of the last run of the chain, once it has ended and none follows."""
        last = self.last(run)
        if last.closed:
            tell(last)
        else:
            self._over.setdefault(last.run_id, []).append(tell)

    def let_happen(self, outside: Awaitable[None], loop: VirtualLoop) -> None:
        """Others do this meanwhile. An error of theirs ends the simulation."""
        task = loop.create_task(_finished(outside))
        self.others.add(task)

        def over(task: asyncio.Task[Any]) -> None:
            self.others.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._error = error

        task.add_done_callback(over)

    def go(self, stop_at: Callable[[], int], linger: int) -> Literal["time", "tasks"] | None:
        """Let everything happen until nothing is left to happen, or the time is up.

        `stop_at` tells until when, as it stands. Gives "time" or "tasks" where a limit was met.
        What activities have left behind in their loop happens for `linger` after all else.
        """
        while True:
            if self.calls or self.others or self.loop.leaves_work():
                self._settle()
            if self._waking:
                if not self._tasks_left:
                    return "tasks"
                self._tasks_left -= 1
                self._waking.popleft().start_task()
            elif self.agenda.run_due():
                continue
            elif ready := self.agenda.take_ready():
                for entry in self._chosen(ready):
                    entry.do()
            elif (later := self._next_time(linger)) is None:
                if not self.release():
                    return None
            elif later > stop_at():
                if not self.release():
                    return "time"
            else:
                self.agenda.now = self.loop.now = later

    def _settle(self) -> None:
        self.loop.settle()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _next_time(self, linger: int) -> int | None:
        mine = self.agenda.next_time()
        theirs = self.loop.next_time() if self.loop.leaves_work() else None
        awaited = bool(self.calls or self.others)
        if theirs is not None and not awaited and theirs > self._last + linger:
            theirs = None  # of what repeats itself behind everybody's back there is no end
        if theirs is None or (mine is not None and mine <= theirs):
            self._last = self.agenda.now if mine is None else mine
            return mine
        if awaited:
            self._last = theirs
        return theirs

    def _chosen(self, ready: list[Entry]) -> list[Entry]:
        if len(ready) == 1:
            return ready
        by_delivery = {id(entry.delivery): entry for entry in ready}
        offered = [entry.delivery for entry in ready if entry.delivery is not None]
        chosen = self.decide("order").order(offered)
        entries = [by_delivery.pop(id(delivery), None) for delivery in chosen]
        picked = [entry for entry in entries if entry is not None]
        if not picked or len(picked) != len(entries):
            raise SimulationError(
                "`order` gave deliveries that it was not asked about, or none at all: return at"
                " least one of those it is given, each once"
            )
        self.agenda.put_back([entry for entry in ready if id(entry.delivery) in by_delivery])
        return picked

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Errors of ours end the run. Those of users' own background tasks are logged as ever."""
        error = context.get("exception")
        if isinstance(error, SimulationError):
            self._error = error
        else:
            self.loop.default_exception_handler(context)

    def tear_down(self) -> None:
        """End what still runs as a worker that shuts down would, without telling anybody."""
        for task in self.others:
            task.cancel()
        for call in list(self.calls):
            call.abandon()
        if self.calls or self.others or self.loop.leaves_work():
            self.loop.drop()
        for run in self.runs:
            run.cache.evict()

    def forget(self) -> None:
        """Cut the circles in which runs know each other and what they have set going.

        They are gone at once then. To leave that to Python's collector would slow down everybody
        who runs thousands of simulations.
        """
        for run in self.runs:
            run.forget()
        self.runs.clear()
        self._newest.clear()
        self._over.clear()
        self.agenda = Agenda(self.agenda.now)


async def _finished(awaitable: Awaitable[None]) -> None:
    await awaitable
