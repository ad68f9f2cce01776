"""The workflow as a worker keeps it in its cache, and how it gets there again after eviction."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from temporalio.bridge.proto.workflow_activation import (
    RemoveFromCache,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import WorkflowSerializationContext
from temporalio.worker import WorkflowInstance

from musterwerk.testing.simulator import waiting_at
from musterwerk.testing.simulator.clock import NS
from musterwerk.testing.simulator.tape import Activation, Nondeterminism, for_replay, shape, without
from musterwerk.testing.simulator.worker import NAMESPACE, loop_kept

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run


_CONTINUE_AS_NEW_SUGGESTED = 4096


class Cache:
    """Holds the instance, and every activation it has had."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._instance: WorkflowInstance | None = None
        self._tape: list[Activation] = []
        self._task: list[Activation] = []
        self._flags: tuple[int, ...] = ()
        self._digest, self._digested = blake2b(digest_size=16), 0
        self._replayed_at = 0
        self.converter = run.simulation.converter.within(
            WorkflowSerializationContext, namespace=NAMESPACE, workflow_id=run.workflow_id
        )

    def activate(
        self, jobs: list[WorkflowActivationJob], time: int, length: int
    ) -> WorkflowActivationCompletion:
        activation = self._activation(jobs, time, length)
        activation.available_internal_flags.extend(self._flags)
        if length >= _CONTINUE_AS_NEW_SUGGESTED:
            activation.continue_as_new_suggested = True
        if self._instance is None:
            self._instance = self._replayed(activation)
        completion = self._run_in(self._instance, activation)
        done = completion.successful
        if done.used_internal_flags:
            self._flags = tuple(sorted({*self._flags, *done.used_internal_flags}))
        self._task.append(Activation(activation, done.commands))
        return completion

    def query(self, job: WorkflowActivationJob) -> WorkflowActivationCompletion:
        activation = self._activation([job], self._run.now, len(self._run.log))
        activation.is_replaying = True
        if self._instance is None:
            self._instance = self._replayed(activation)
        return self._run_in(self._instance, activation)

    def _activation(
        self, jobs: list[WorkflowActivationJob], time: int, length: int
    ) -> WorkflowActivation:
        activation = WorkflowActivation(run_id=self._run.run_id, history_length=length)
        activation.timestamp.seconds, activation.timestamp.nanos = divmod(time, NS)
        activation.jobs.extend(jobs)
        return activation

    def keep_task(self, patches: list[str], rejected: set[str]) -> Sequence[int]:
        """The server has taken the task: these activations are history."""
        if self._task:
            self._task[0].patches = patches
        for one in self._task:
            one.flags = self._flags
            if rejected:
                one.given = without(one.given, rejected)
        self._tape += [one for one in self._task if one.given.jobs]
        self._task = []
        return self._flags

    def forget_task(self) -> None:
        self._task = []

    def evict(self) -> None:
        """End the instance as a worker does: its tasks are cancelled and may do nothing more."""
        if self._instance is None:
            return
        instance, self._instance = self._instance, None
        if not getattr(instance, "_tasks", True):
            return  # Nothing of it is left that could resist.
        job = WorkflowActivationJob(remove_from_cache=RemoveFromCache(message="evicted"))
        try:
            with loop_kept():
                instance.activate(self._activation([job], self._run.now, 0))
        except RuntimeError as error:
            self._run.simulation.problems.append(str(error))

    def waits(self) -> Sequence[str]:
        """The lines at which it waits; none where it is not there."""
        return waiting_at.lines(self._instance)

    def told(self) -> tuple[bytes, int, int, bool]:
        """All that the workflow was told and has asked for, how long that is, since when it is one
        that was replayed, and whether it is there at all. The rest of its history follows."""
        for one in self._tape[self._digested :]:
            self._digest.update(one.given.SerializeToString(deterministic=True))
            for command in one.commands:
                self._digest.update(command.SerializeToString(deterministic=True))
        self._digested = len(self._tape)
        there = self._instance is not None
        return self._digest.digest(), self._digested, self._replayed_at, there

    def _replayed(self, first: WorkflowActivation) -> WorkflowInstance:
        self._replayed_at = len(self._tape)
        if self._tape:
            first = for_replay(self._tape[0])
        decoded = self.converter.decode_activation(first)
        simulation = self._run.simulation
        instance = simulation.workflows.create(
            decoded, decoded.jobs[0].initialize_workflow, self._run.task_queue
        )
        for index, one in enumerate(self._tape, 1):
            completion = self._run_in(instance, for_replay(one))
            self._compare(index, one, completion)
        return instance

    def _run_in(
        self, instance: WorkflowInstance, activation: WorkflowActivation
    ) -> WorkflowActivationCompletion:
        decoded = self.converter.decode_activation(activation)
        with loop_kept():
            completion = instance.activate(decoded)
        self.converter.encode_completion(completion)
        return completion

    def _compare(
        self, index: int, before: Activation, completion: WorkflowActivationCompletion
    ) -> None:
        was = [shape(command) for command in before.commands]
        now = [shape(command) for command in completion.successful.commands]
        was, now = [one for one in was if one], [one for one in now if one]
        if was == now and not completion.HasField("failed"):
            return
        raise Nondeterminism(
            f"Replaying {self._run.workflow_type} {self._run.workflow_id}, activation {index}"
            f" gave {now or 'nothing'} where it first gave {was or 'nothing'}:"
            f" the workflow is not deterministic. {completion.failed.failure.message}".rstrip(),
            by_bug=completion.HasField("failed"),
        )
