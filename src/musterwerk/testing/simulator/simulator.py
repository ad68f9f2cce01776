"""Runs workflows in this process, in virtual time, without a server."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Literal, cast

from temporalio.common import RetryPolicy
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.worker import Interceptor, WorkflowRunner
from temporalio.workflow import _Definition

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator import births
from musterwerk.testing.simulator.attempts import Call, CallSeen
from musterwerk.testing.simulator.beginning import begin
from musterwerk.testing.simulator.births import Birth
from musterwerk.testing.simulator.clock import clock_time, nanoseconds
from musterwerk.testing.simulator.decisions import Decisions, Message, Natural
from musterwerk.testing.simulator.handle import SimulatedHandle, result_of
from musterwerk.testing.simulator.loop import VirtualLoop
from musterwerk.testing.simulator.outcome import Outcome, seen
from musterwerk.testing.simulator.payloads import Converter
from musterwerk.testing.simulator.run import Run
from musterwerk.testing.simulator.simulation import Simulation
from musterwerk.testing.simulator.standing import Standing
from musterwerk.testing.simulator.worker import NAMESPACE, Activities, Workflows

_START = datetime(2026, 1, 1, tzinfo=UTC)
_TASK_QUEUE = "simulated"


class Simulator:
    """A worker and a server in one, prepared once for any number of runs.

        with Simulator(workflows=[Order], activities=[reserve, charge]) as simulator:
            outcome = simulator.run(Order.run, order)

    The workflows run as with `UnsandboxedWorkflowRunner`, for speed; give another
    `workflow_runner` to have them in the sandbox. The other arguments are those of a worker.
    """

    def __init__(
        self,
        *,
        workflows: Sequence[type],
        activities: Sequence[Callable[..., Any]] = (),
        seed: int = 0,
        start: datetime = _START,
        data_converter: DataConverter = DataConverter.default,
        interceptors: Sequence[Interceptor] = (),
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        workflow_runner: WorkflowRunner | None = None,
    ) -> None:
        for interceptor in interceptors:
            if type(interceptor).intercept_activity is not Interceptor.intercept_activity:
                raise SimulationError(
                    f"{type(interceptor).__name__} intercepts activities, which the simulator does"
                    " not support: leave it out, or test against a server"
                )
        self._seed = seed
        self._start = clock_time(start)
        self._loop = VirtualLoop()
        self._converter = Converter(data_converter, self._wait)
        self._activities = self._current = Activities(activities)
        self._workflows = Workflows(
            workflows,
            data_converter=data_converter,
            interceptors=interceptors,
            failure_exception_types=workflow_failure_exception_types,
            runner=workflow_runner,
            check_local_activity=lambda name: cast("None", self._current.find(name)),
            task_queue=_TASK_QUEUE,
            loop=self._loop,
        )

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._loop.close()

    def run(
        self,
        workflow: str | Callable[..., Awaitable[Any]],
        *args: Any,
        id: str = "workflow",
        activities: Sequence[Callable[..., Any]] | None = None,
        outside: Callable[[SimulatedHandle], Awaitable[None]] | None = None,
        decisions: Decisions | None = None,
        seed: int | None = None,
        task_queue: str = _TASK_QUEUE,
        execution_timeout: timedelta = timedelta(),
        run_timeout: timedelta = timedelta(),
        retry_policy: RetryPolicy | None = None,
        horizon: timedelta = timedelta(days=3650),
        linger: timedelta = timedelta(days=1),
        max_tasks: int = 10_000,
        messages: Sequence[Message] = (),
        standing: Standing | None = None,
    ) -> Outcome:
        """Start the workflow and let everything happen until nothing is left to happen.

        `outside` is what others do meanwhile: a coroutine whose `asyncio.sleep` is virtual time.
        `activities` replace those of the simulator for this run, as for a world that is made
        fresh. `messages` come when they say (`at`). `standing` can be asked where the run stands.
        The run ends after `horizon` of virtual time, after `max_tasks` workflow tasks, or `linger`
        after the workflow itself has ended, if activities or other workflows still run. Timers and
        tasks that activities leave behind in their loop happen for `linger` after all else.

        Inside a running event loop it works in a thread of its own, and blocks that loop.
        """
        name, returns = _Definition.get_name_and_result_type(workflow)
        self._current = self._activities if activities is None else Activities(activities)
        simulation = Simulation(
            workflows=self._workflows,
            activities=self._current,
            converter=self._converter,
            loop=self._loop,
            decisions=decisions or Natural(),
            seed=self._seed if seed is None else seed,
            start=self._start,
            max_tasks=max_tasks,
        )
        if standing is not None:
            standing.simulation = simulation
        birth = Birth(
            workflow_type=name,
            workflow_id=id,
            task_queue=task_queue,
            arguments=self._encode(id, args),
            execution_timeout=nanoseconds(execution_timeout),
            run_timeout=nanoseconds(run_timeout),
            retry_policy=births.policy(retry_policy),
        )
        for message in messages:
            simulation.send_later(message)
        limits = nanoseconds(horizon), nanoseconds(linger)
        if asyncio._get_running_loop() is None:
            return self._run(simulation, birth, returns, outside, limits)
        return _in_thread(lambda: self._run(simulation, birth, returns, outside, limits))

    def again(self, seen: CallSeen, activities: Activities) -> Call | None:
        """A call of a run that is over, made again with other activities, at the time that it says.

        None where it does not end at once, or does what depends on who listens.
        """
        if seen._call is None:
            return None
        function = activities.find(seen.attempt.activity_type)
        self._loop.now = clock_time(seen.when)
        return seen._call.again(function, self._loop, seen.when, seen.attempt.number)

    def _run(
        self,
        simulation: Simulation,
        birth: Birth,
        returns: type | None,
        outside: Callable[[SimulatedHandle], Awaitable[None]] | None,
        limits: tuple[int, int],
    ) -> Outcome:
        self._loop.begin(self._start)
        first = births.start(simulation, birth)
        begin(first)
        if outside is not None:
            handle = SimulatedHandle(simulation, birth.workflow_id, returns)
            simulation.let_happen(outside(handle), self._loop)
        ended: list[int] = []
        simulation.when_over(first, lambda _: ended.append(simulation.agenda.now))

        def until() -> int:
            return min([self._start + limits[0], *(at + limits[1] for at in ended)])

        try:
            try:
                stopped = simulation.go(until, limits[1])
                newest = simulation.last(first)
                waits = () if newest.closed else newest.cache.waits()
            finally:
                simulation.tear_down()
            at = (ended or [simulation.agenda.now])[0]
            return _outcome(simulation, first, returns, stopped, at, waits)
        finally:
            simulation.forget()

    def _encode(self, workflow_id: str, args: Sequence[Any]) -> Any:
        if not args:
            return []
        converter = self._converter.within(
            WorkflowSerializationContext, namespace=NAMESPACE, workflow_id=workflow_id
        )
        return converter.encode(args)

    def _wait(self, awaitable: Awaitable[Any]) -> Any:
        """Codecs are asynchronous; here they have to answer at once."""
        if not self._loop.is_running():
            return self._loop.run_until_complete(_finished(awaitable))
        steps = awaitable.__await__()
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        raise SimulationError(
            "The payload codec waits for something while an activity runs, which the simulator"
            " does not support: use a codec that answers at once"
        )


async def _finished(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _in_thread(act: Callable[[], Outcome]) -> Outcome:
    outcomes: list[Outcome] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            outcomes.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="simulator")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return outcomes[0]


def _outcome(
    simulation: Simulation,
    first: Run,
    returns: type | None,
    stopped: Literal["time", "tasks"] | None,
    ended: int,
    waits: Sequence[str],
) -> Outcome:
    last = simulation.last(first)
    completed = last.status == "completed"
    return Outcome(
        status=last.status,
        result=result_of(simulation, last, returns) if completed else None,
        failure=None if completed or not last.closed else last.error(),
        task_failure=last.task_failure.message if last.task_failure else None,
        duration=timedelta(microseconds=(ended - first.started_at) // 1000),
        runs=[seen(run) for run in simulation.runs],
        decisions=dict(simulation.counts),
        stopped=stopped,
        problems=tuple(simulation.problems),
        calls=tuple(simulation.calls_seen),
        waits=waits,
    )
