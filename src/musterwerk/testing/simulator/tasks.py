"""A workflow task: the workflow is told what is new, and its commands become history."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import FailWorkflowExecution, WorkflowCommand
from temporalio.service import __version__ as sdk_version

from musterwerk.testing.simulator import task_losses
from musterwerk.testing.simulator.clock import NS, Entry
from musterwerk.testing.simulator.decisions import task
from musterwerk.testing.simulator.tape import Nondeterminism
from musterwerk.testing.simulator.worker import IDENTITY

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

TASK_TIMEOUT = 10 * NS
# Core asks for a new task when so much of the old one has passed and local activities still run.
HEARTBEAT = TASK_TIMEOUT * 8 // 10
_SDK: dict[str, Any] = {
    "sdk_name": "temporal-python",
    "sdk_version": sdk_version,
    "core_used_flags": (1, 2, 3),
}
_ORDER = {
    "initialize_workflow": 0,
    "notify_has_patch": 1,
    "update_random_seed": 2,
    "signal_workflow": 3,
    "do_update": 3,
}


class Command:
    """A command on its way to the server; dropped if it is taken back in the same task."""

    __slots__ = ("dropped", "record")

    def __init__(self, record: Callable[[int], None]) -> None:
        self.record = record
        self.dropped = False


class TaskSeen(NamedTuple):
    """A workflow task as it went: when, what the workflow was told, what it asked for."""

    when: int
    jobs: list[str]
    commands: list[str]


class WorkflowTask:
    """It stays open while local activities run. Then nothing new reaches the workflow."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.started_at = run.now
        self.time = run.now
        self.jobs: list[WorkflowActivationJob] = []
        self.patches: list[str] = []
        self.rejected: set[str] = set()
        self.activations = 0
        self.to_undo: list[Callable[[], None]] = []
        self._commands: list[Command] = []
        self._terminal: Callable[[int], None] | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._heartbeat: Entry | None = None
        self._dies = False

    def begin(self) -> None:
        run = self.run
        self.view = view = task(run.workflow_type, run.workflow_id, run.run_id, len(run.story) + 1)
        choice = run.simulation.decide("task_starts").task_starts(view)
        self._dies = choice.dies
        if choice.send:
            run.simulation.send(choice.send, with_task_of=run)
        if choice.evict:
            run.cache.evict()
        self.before = len(run.log)
        self.scheduled = run.record(
            "workflow_task_scheduled", task_queue={"name": run.task_queue}, attempt=1
        )
        self.started = run.record(
            "workflow_task_started", scheduled_event_id=self.scheduled, identity=IDENTITY
        )
        self.jobs = run.jobs
        self._seen = TaskSeen(run.now, [job.WhichOneof("variant") or "" for job in run.jobs], [])
        run.story.append(self._seen)
        self.go_on()

    def command(self, record: Callable[[int], None]) -> Command:
        command = Command(record)
        self._commands.append(command)
        return command

    def end_with(self, record: Callable[[int], None]) -> None:
        """The first of several endings counts, and comes after all other commands."""
        self._terminal = self._terminal or record

    def undo(self, act: Callable[[], None]) -> None:
        """What is to be taken back should the server not accept this task."""
        self.to_undo.append(act)

    def afterwards(self, act: Callable[[], None]) -> None:
        """What others learn once the server has the answer."""
        self._afterwards.append(act)

    def go_on(self) -> None:
        """Activate the workflow until it waits for what only a later task can bring."""
        run = self.run
        fails_on_nondeterminism = run.simulation.workflows.fails_on_nondeterminism
        while run.jobs:
            jobs, run.jobs = run.jobs, []
            if len(jobs) > 1:
                jobs = sorted(jobs, key=_rank)
            self.activations += 1
            try:
                completion = run.cache.activate(jobs, self.time, self.started)
            except Nondeterminism as error:
                if error.by_bug or not fails_on_nondeterminism(run.workflow_type):
                    task_losses.fail(self, "NON_DETERMINISTIC_ERROR", error.failure)
                    return
                failed = FailWorkflowExecution(failure=error.failure)
                self._take(WorkflowCommand(fail_workflow_execution=failed))
                break
            if completion.HasField("failed"):
                cause = "WORKFLOW_WORKER_UNHANDLED_FAILURE"
                task_losses.fail(self, cause, completion.failed.failure)
                return
            for command in completion.successful.commands:
                self._take(command)
        if self._terminal is None and any(one.busy for one in run.local_activities.values()):
            if self._heartbeat is None:
                wait = max(0, self.started_at + HEARTBEAT - run.now)
                self._heartbeat = run.later(wait, self._beat)
            return
        self._complete()
        run.flush()

    def _take(self, command: WorkflowCommand) -> None:
        self._seen.commands.append(command.WhichOneof("variant") or "")
        self.run.simulation.handle(self.run, command)

    def _beat(self) -> None:
        """The task is about to time out: answer what is known, and go on in another one."""
        self._complete()
        self.run.flush()
        if not self.run.closed:
            # The answer brings the next task, so that local activities are never without one.
            self.run.simulation.start_at_once(self.run)

    def _complete(self) -> None:
        run = self.run
        if self._heartbeat is not None:
            self._heartbeat.call_off()
        if self._dies:
            run.later(TASK_TIMEOUT, lambda: task_losses.time_out(self))
            return
        if self._terminal is not None and run.has_buffered:
            task_losses.refuse(self)
            return
        if not self._commands and self._terminal is None and task_losses.was_nothing(self):
            task_losses.forget(self)
            self._tell_others()
            return
        flags = run.cache.keep_task(self.patches, self.rejected)
        completed = run.record(
            "workflow_task_completed",
            scheduled_event_id=self.scheduled,
            started_event_id=self.started,
            identity=IDENTITY,
            sdk_metadata={**_SDK, "lang_used_flags": flags},
        )
        run.task = None
        run.task_failure = None
        for command in self._commands:
            if not command.dropped:
                command.record(completed)
        self._tell_others()
        if self._terminal is not None:
            self._terminal(completed)
        else:
            end = run.simulation.decide("task_ends").task_ends(self.view)
            if end.send:
                run.simulation.send(end.send)

    def _tell_others(self) -> None:
        for act in self._afterwards:
            act()


def _rank(job: WorkflowActivationJob) -> int:
    kind = job.WhichOneof("variant") or ""
    if kind == "resolve_activity" and job.resolve_activity.is_local:
        return 5
    return _ORDER.get(kind, 4)
