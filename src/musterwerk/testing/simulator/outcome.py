"""What came of a simulated workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from temporalio import activity
from temporalio.client import WorkflowHistory

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator.calls import Call, Reply
from musterwerk.testing.simulator.decisions import Attempt
from musterwerk.testing.simulator.log import Log
from musterwerk.testing.simulator.run import Run, Status
from musterwerk.testing.simulator.tasks import TaskSeen


@dataclass(frozen=True)
class CallSeen:
    """One call of an activity function as it went, with what it answered or raised."""

    attempt: Attempt
    when: datetime
    arguments: Sequence[Any]
    result: Any
    error: BaseException | None
    _call: Call | None = field(default=None, repr=False, compare=False)

    @property
    def reply(self) -> Reply | None:
        """What it reported, before anything became of that."""
        return self._call.reply if self._call is not None else None

    @property
    def info(self) -> activity.Info | None:
        """What the activity could ask about itself."""
        return self._call.info if self._call is not None else None


@dataclass(frozen=True)
class RunSeen:
    """One run as it went. Its history is written when it is asked for. `task_failures` are the
    messages of workflow tasks that failed, each once. `forgotten` are the numbers of tasks of which
    its history has nothing: they failed once more, or brought only updates that were rejected."""

    workflow_type: str
    workflow_id: str
    run_id: str
    status: Status
    tasks: Sequence[TaskSeen]
    task_failures: Sequence[str]
    forgotten: Set[int]
    _log: Log

    @property
    def history(self) -> WorkflowHistory:
        """As Temporal's own `Replayer` takes it."""
        return WorkflowHistory(self.workflow_id, self._log.history().events)

    @property
    def events(self) -> list[str]:
        """The types of its events, such as "timer_fired"."""
        return self._log.names()


@dataclass(frozen=True)
class Outcome:
    """`status` and `result` are those of the last run of the workflow that was started.

    `failure` is what a client would be given as the cause. A workflow that is still "running" when
    nothing is left to happen waits for somebody, or has a bug: then `task_failure` says which.
    `decisions` counts how often each decision was asked for. `stopped` tells which limit ended the
    simulation, if one did. `problems` are evictions that the workflow's code resisted. `calls` are
    the calls of activity functions in the order in which they ended. `waits` are the lines at which
    a workflow waits that is still "running", such as "order.py:17 in run".
    """

    status: Status
    result: Any
    failure: BaseException | None
    task_failure: str | None
    duration: timedelta
    runs: Sequence[RunSeen]
    decisions: Mapping[str, int]
    stopped: Literal["time", "tasks"] | None
    problems: Sequence[str]
    calls: Sequence[CallSeen] = ()
    waits: Sequence[str] = ()

    @property
    def history(self) -> WorkflowHistory:
        """The history of the first run of the workflow that was started."""
        return self.runs[0].history

    def runs_of(self, workflow_id: str) -> list[RunSeen]:
        """The runs under one id, the oldest first."""
        found = [run for run in self.runs if run.workflow_id == workflow_id]
        if not found:
            known = ", ".join(sorted({run.workflow_id for run in self.runs}))
            raise SimulationError(f"No workflow with the id {workflow_id} ran; these did: {known}")
        return found

    def raise_if_failed(self) -> Outcome:
        if self.failure is not None:
            raise self.failure
        return self


def seen(run: Run) -> RunSeen:
    return RunSeen(
        run.workflow_type,
        run.workflow_id,
        run.run_id,
        run.status,
        tuple(run.story),
        tuple(run.task_failures),
        frozenset(run.forgotten),
        run.log,
    )
