"""Where a simulation stands as a workflow task starts, so that two of them can be compared."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musterwerk.testing.simulator.activities import ScheduledActivity
    from musterwerk.testing.simulator.run import Run
    from musterwerk.testing.simulator.simulation import Simulation


class Standing:
    """Give it to `Simulator.run`; a decision can ask it while a workflow task starts.

    Two simulations of the same process with the same `now()` go on alike if their worlds and all
    later decisions are alike: every workflow was told the same at the same times and asked for the
    same, and the same is still to come. None where that cannot be told: a function is running or
    has left something running, a local activity is not over, somebody outside is at work, or a
    message is on its way.
    """

    simulation: Simulation | None = None

    def now(self) -> bytes | None:
        simulation = self.simulation
        if simulation is None or simulation.calls or simulation.others:
            return None
        if simulation.loop.leaves_work():
            return None
        described: set[int] = set()
        parts: list[object] = [simulation.agenda.now, simulation.ids.given, simulation.problems]
        parts += [
            [run.run_id for run in simulation.waking],
            [view for view, _, _ in simulation.held],
        ]
        for run in simulation.register.runs:
            part = _of_run(run, described)
            if part is None:
                return None
            parts.append(part)
        coming = _coming(simulation, described)
        if coming is None:
            return None
        parts.append(coming)
        return blake2b(repr(parts).encode(), digest_size=16).digest()

    def took_time(self) -> bool:
        """Whether any activity so far did not end in the instant in which it began."""
        return self.simulation is None or self.simulation.took_time

    def alone(self) -> bool:
        """While an activity ends: whether nothing else is under way or due."""
        simulation = self.simulation
        if simulation is None or simulation.waking or simulation.calls or simulation.others:
            return False
        due = simulation.agenda.next_time()
        ready = simulation.agenda.has_ready or simulation.loop.leaves_work()
        return not ready and (due is None or due > simulation.agenda.now)

    def gives_up(self) -> bool:
        """Whether nobody waits for what is held back: its effect is seen by the world alone."""
        simulation = self.simulation
        return simulation is not None and not any(waits() for _, _, waits in simulation.held)


def _of_run(run: Run, described: set[int]) -> tuple[object, ...] | None:
    """`described` gets the entries of the agenda that this tells of."""
    starts = run.task is not None and not run.task.activations
    if run._buffered or (run.task is not None and not starts):
        return None
    if any(one.busy for one in run.local_activities.values()):
        return None
    activities: list[object] = []
    for seq, one in run.activities.items():
        if one.over and not one.heartbeat:
            continue
        if one.execution is not None and not one.execution.is_started:
            return None
        activities.append(_of_activity(seq, one))
        described.update(id(entry) for entry in one.clocks.running.values())
    jobs = [job.SerializeToString(deterministic=True) for job in run.jobs]
    failed = run.task_failure is not None
    return (
        *(run.run_id, run.status, run.begun, starts, failed, len(run.updates)),
        *(run.cache.told(), jobs, activities),
    )


def _of_activity(seq: int, one: ScheduledActivity) -> tuple[object, ...]:
    failure, beat = one.last_failure, one.heartbeat
    return (
        *(seq, one.number, one.over, one.cancel_requested, one.told),
        failure and failure.SerializeToString(deterministic=True),
        beat and beat.SerializeToString(deterministic=True),
        one.execution is not None,
        one.attempt_scheduled_at,
        one.started_at,
        {name: entry.when for name, entry in one.clocks.running.items()},
    )


def _coming(simulation: Simulation, described: set[int]) -> list[object] | None:
    """What is to come, in its order. What is due at once and unknown cannot be compared."""
    agenda = simulation.agenda
    if agenda.has_ready:
        return None
    coming: list[object] = []
    for entry in agenda.entries():
        delivery = entry.delivery
        if id(entry) in described:
            coming.append("described")
        elif delivery is not None:
            if delivery.kind != "timer":
                return None
            coming.append((entry.when, delivery.run_id, delivery.name))
        elif entry.when <= agenda.now:
            return None
        else:
            # Timeouts of runs, and calls that are over: the histories say which.
            coming.append(entry.when)
    return coming
