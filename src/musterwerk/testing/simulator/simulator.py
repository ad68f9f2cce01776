"""Runs workflows in this process, in virtual time, without a server."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, TypeVar, cast

from temporalio.common import RetryPolicy
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.worker import Interceptor, WorkflowRunner
from temporalio.workflow import _Definition

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator import awaiting, births, repeating
from musterwerk.testing.simulator.births import Birth
from musterwerk.testing.simulator.calls import Call
from musterwerk.testing.simulator.clock import clock_time, nanoseconds
from musterwerk.testing.simulator.decisions import Decisions, Message, Natural
from musterwerk.testing.simulator.functions import Activities
from musterwerk.testing.simulator.handle import SimulatedHandle
from musterwerk.testing.simulator.loop import VirtualLoop
from musterwerk.testing.simulator.messages import send_later
from musterwerk.testing.simulator.outcome import CallSeen, Outcome
from musterwerk.testing.simulator.payloads import Converter
from musterwerk.testing.simulator.playing import play
from musterwerk.testing.simulator.simulation import Simulation
from musterwerk.testing.simulator.standing import Standing
from musterwerk.testing.simulator.worker import NAMESPACE, Workflows

T = TypeVar("T")
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
        self._converter = Converter(data_converter, partial(awaiting.at_once, self._loop))
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
        self.clear()
        self._loop.close()

    def clear(self) -> None:
        """End what activities of the last run have left running, as a worker that shuts down would.

        The next run begins with it. Before, everybody can see how the run has left the world.
        """
        self._alone(self._loop.clear)

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
        tasks that activities leave behind in their loop happen in their time, but no more than a
        thousand timers.

        Inside a running event loop it works in a thread of its own, and blocks that loop.
        """
        self.clear()
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
            send_later(simulation, message)
        limits = nanoseconds(horizon), nanoseconds(linger)
        return self._alone(lambda: play(simulation, birth, returns, outside, *limits))

    def _alone(self, act: Callable[[], T]) -> T:
        """Where another loop runs in this thread, in a thread of its own."""
        return act() if asyncio._get_running_loop() is None else awaiting.in_thread(act)

    def again(self, seen: CallSeen, activities: Activities) -> Call | None:
        """A call of a run that is over, made again with other activities.

        None where it does not end at once, or does what depends on who listens.
        """
        return repeating.again(seen, activities, self._loop)

    def _encode(self, workflow_id: str, args: Sequence[Any]) -> Any:
        if not args:
            return []
        converter = self._converter.within(
            WorkflowSerializationContext, namespace=NAMESPACE, workflow_id=workflow_id
        )
        return converter.encode(args)
