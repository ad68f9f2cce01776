"""One simulation from the birth of its first run to the outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Literal

from musterwerk.testing.simulator import births
from musterwerk.testing.simulator.beginning import begin
from musterwerk.testing.simulator.births import Birth
from musterwerk.testing.simulator.handle import SimulatedHandle, result_of
from musterwerk.testing.simulator.outcome import Outcome, seen
from musterwerk.testing.simulator.register import last_of
from musterwerk.testing.simulator.run import Run
from musterwerk.testing.simulator.simulation import Simulation
from musterwerk.testing.simulator.stepping import Stepping


def play(
    simulation: Simulation,
    birth: Birth,
    returns: type | None,
    outside: Callable[[SimulatedHandle], Awaitable[None]] | None,
    horizon: int,
    linger: int,
) -> Outcome:
    """Let it happen until `horizon`, or `linger` after the end of the workflow; then tear down."""
    start = simulation.agenda.now
    simulation.begin()
    first = births.start(simulation, birth)
    begin(first)
    if outside is not None:
        handle = SimulatedHandle(simulation, birth.workflow_id, returns)
        simulation.let_happen(outside(handle))
    ended: list[int] = []
    simulation.register.when_over(first, lambda _: ended.append(simulation.agenda.now))

    def until() -> int:
        return min([start + horizon, *(at + linger for at in ended)])

    try:
        try:
            stopped = Stepping(simulation, until).go()
            newest = last_of(first)
            waits = () if newest.closed else newest.cache.waits()
        finally:
            simulation.tear_down()
        at = (ended or [simulation.agenda.now])[0]
        return _outcome(simulation, first, returns, stopped, at, waits)
    finally:
        simulation.forget()


def _outcome(
    simulation: Simulation,
    first: Run,
    returns: type | None,
    stopped: Literal["time", "tasks"] | None,
    ended: int,
    waits: Sequence[str],
) -> Outcome:
    last = last_of(first)
    completed = last.status == "completed"
    return Outcome(
        status=last.status,
        result=result_of(simulation, last, returns) if completed else None,
        failure=None if completed or not last.closed else last.error(),
        task_failure=last.task_failure.message if last.task_failure else None,
        duration=timedelta(microseconds=(ended - first.started_at) // 1000),
        runs=[seen(run) for run in simulation.register.runs],
        decisions=dict(simulation.counts),
        stopped=stopped,
        problems=tuple(simulation.problems),
        calls=tuple(simulation.calls_seen),
        waits=waits,
    )
