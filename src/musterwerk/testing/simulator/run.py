"""One run of a workflow: its history, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.enums.v1 import RetryState
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import InitializeWorkflow, WorkflowActivationJob
from temporalio.exceptions import CancelledError, TerminatedError, TimeoutError, TimeoutType

from musterwerk.testing.simulator.cache import Cache
from musterwerk.testing.simulator.clock import Delivery, Entry
from musterwerk.testing.simulator.log import Log
from musterwerk.testing.simulator.tasks import Command, TaskSeen, WorkflowTask

if TYPE_CHECKING:
    from musterwerk.testing.simulator.activities import ScheduledActivity
    from musterwerk.testing.simulator.births import Birth
    from musterwerk.testing.simulator.children import Child
    from musterwerk.testing.simulator.external import OutgoingSignal
    from musterwerk.testing.simulator.local import LocalActivity
    from musterwerk.testing.simulator.simulation import Simulation
    from musterwerk.testing.simulator.timers import Timer
    from musterwerk.testing.simulator.updates import Update

Status: TypeAlias = Literal[
    "running", "completed", "failed", "canceled", "terminated", "timed_out", "continued_as_new"
]


class Run:
    """`jobs` is what its next workflow task will tell the workflow."""

    def __init__(
        self,
        simulation: Simulation,
        birth: Birth,
        init: InitializeWorkflow,
        *,
        run_id: str,
        root: WorkflowExecution,
        deadline: int,
    ) -> None:
        self.simulation = simulation
        self.agenda = simulation.agenda
        self.birth = birth
        self.init = init
        self.workflow_id = birth.workflow_id
        self.workflow_type = birth.workflow_type
        self.task_queue = birth.task_queue
        self.run_id = run_id
        self.root = root
        self.deadline = deadline
        self.started_at = self.agenda.now
        self.beginning = False
        self.begun = False
        self.status: Status = "running"
        self.result: Payload | None = None
        self.failure: Failure | None = None
        self.retry_state: RetryState.ValueType = RetryState.RETRY_STATE_UNSPECIFIED
        self.next_run: Run | None = None
        self.task: WorkflowTask | None = None
        self.task_failure: Failure | None = None
        self.task_failures: list[str] = []
        self.forgotten: set[int] = set()
        self.story: list[TaskSeen] = []
        self.log = Log()
        self.cache = Cache(self)
        self.jobs: list[WorkflowActivationJob] = []
        self.timers: dict[int, Timer] = {}
        self.activities: dict[int, ScheduledActivity] = {}
        self.local_activities: dict[int, LocalActivity] = {}
        self.children: dict[int, Child] = {}
        self.signals: dict[int, OutgoingSignal] = {}
        self.updates: dict[str, Update] = {}
        self.patches: list[str] = []
        self.search_attributes = dict(birth.search_attributes)
        self.memo = dict(birth.memo)
        self._occurrences: dict[str, int] = {}
        self.cancel_requested = False
        self._buffered: list[tuple[bool, Entry, Callable[[], None]]] = []

    @property
    def closed(self) -> bool:
        return self.status != "running"

    @property
    def now(self) -> int:
        return self.agenda.now

    @property
    def execution(self) -> WorkflowExecution:
        return WorkflowExecution(workflow_id=self.workflow_id, run_id=self.run_id)

    @property
    def open_task(self) -> WorkflowTask:
        assert self.task is not None, "commands come from an open workflow task"  # noqa: S101
        return self.task

    def is_parent_of(self, other: Run) -> bool:
        child = other.birth.child
        return child is not None and child.parent is self

    def command(self, record: Callable[[int], None]) -> Command:
        """A command of the open task; `record` writes its event once the task is complete."""
        return self.open_task.command(record)

    def job(self, **variant: Any) -> None:
        self.jobs.append(WorkflowActivationJob(**variant))

    def record(self, event: str, **attributes: Any) -> int:
        return self.log.add(event, self.agenda.now, attributes)

    def occurrence(self, activity_type: str) -> int:
        number = self._occurrences.get(activity_type, 0) + 1
        self._occurrences[activity_type] = number
        return number

    def later(self, delay: int, act: Callable[[], None]) -> Entry:
        """Do this after so many nanoseconds, unless the run is closed by then."""
        agenda = self.agenda
        return agenda.at(agenda.now + delay, lambda: None if self.closed else act())

    def deliver(
        self, delay: int, kind: str, name: str, act: Callable[[], None], *, last: bool = False
    ) -> Entry:
        """Let `act` record events and jobs for this run after `delay`, then give it a task.

        While a task is open the server keeps events back, and sorts `last` behind the others.
        """

        def arrive() -> None:
            if self.closed:
                return
            if self.task is not None:
                self._buffered.append((last, entry, act))
            else:
                act()
                self.simulation.wake(self)

        delivery = Delivery(kind, name, self.workflow_id, self.run_id)
        entry = self.agenda.at(self.agenda.now + delay, arrive, delivery)
        return entry

    @property
    def has_buffered(self) -> bool:
        return any(not entry.off for _, entry, _ in self._buffered)

    def flush(self) -> None:
        """What arrived while the task was open becomes part of the history."""
        if self.task is not None or not self._buffered:
            return
        buffered, self._buffered = self._buffered, []
        for _, entry, act in sorted(buffered, key=lambda item: item[0]):
            if not entry.off and not self.closed:
                act()
                self.simulation.wake(self)

    def start_task(self) -> None:
        if not self.closed and self.task is None:
            self.task = WorkflowTask(self)
            self.task.begin()

    def error(self) -> BaseException:
        """The failure as a client is given it."""
        if self.status == "canceled":
            return CancelledError("Workflow cancelled")
        if self.status == "terminated":
            return TerminatedError(self.failure.message if self.failure else "")
        if self.status == "timed_out":
            kind = TimeoutType.START_TO_CLOSE
            return TimeoutError("Workflow timed out", type=kind, last_heartbeat_details=[])
        return self.cache.converter.decode_failure(self.failure or Failure())

    def forget(self) -> None:
        """The simulation is over: let go of all that knows this run."""
        known = self.activities, self.local_activities, self.timers, self.children, self.signals
        for things in (*known, self.updates):
            things.clear()
        self._buffered.clear()
        self.task = None
        del self.cache

    def close(self, status: Status) -> None:
        self.status = status
        self.task = None
        self._buffered.clear()
        for activity in self.activities.values():
            activity.workflow_closed()
        for local in self.local_activities.values():
            local.give_up()
        for update in self.updates.values():
            update.workflow_closed()
        self.simulation.run_closed(self)
