"""What a workflow was told and asked for, kept to be replayed, and how the two are compared."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import (
    NotifyHasPatch,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_commands import WorkflowCommand


class Nondeterminism(Exception):
    """Replayed, the workflow asked for something else than it did the first time.

    `by_bug`: it raised what fails no workflow, but its task.
    """

    def __init__(self, message: str, *, by_bug: bool) -> None:
        super().__init__(message)
        self.by_bug = by_bug
        # Core's words, and like its failures of no type.
        self.failure = Failure(message=f"[TMPRL1100] Nondeterminism error: {message}")
        self.failure.application_failure_info.SetInParent()


class Activation:
    __slots__ = ("commands", "flags", "given", "patches")

    def __init__(self, given: WorkflowActivation, commands: Sequence[WorkflowCommand]) -> None:
        self.given = given
        self.commands = commands
        self.flags: Sequence[int] = ()
        self.patches: Sequence[str] = ()


def for_replay(one: Activation) -> WorkflowActivation:
    """As it comes again to an instance that has to get where another one was."""
    given = WorkflowActivation()
    given.CopyFrom(one.given)
    given.is_replaying = True
    given.available_internal_flags[:] = one.flags
    for job in given.jobs:
        if job.HasField("do_update"):
            job.do_update.run_validator = False
    patches = [
        WorkflowActivationJob(notify_has_patch=NotifyHasPatch(patch_id=name))
        for name in one.patches
    ]
    if patches:
        jobs = list(given.jobs)
        first = jobs[:1] if jobs[0].HasField("initialize_workflow") else []
        del given.jobs[:]
        given.jobs.extend(first + patches + jobs[len(first) :])
    return given


def without(given: WorkflowActivation, rejected: set[str]) -> WorkflowActivation:
    """Rejected updates leave no trace."""
    kept = WorkflowActivation()
    kept.CopyFrom(given)
    del kept.jobs[:]
    kept.jobs.extend(
        job
        for job in given.jobs
        if not (job.HasField("do_update") and job.do_update.protocol_instance_id in rejected)
    )
    return kept


# What core compares between a command and its event.
_COMPARED = ("seq", "activity_id", "activity_type", "workflow_id", "workflow_type", "patch_id")


def shape(command: WorkflowCommand) -> tuple[object, ...] | None:
    """What has to be the same on replay; None where nothing has to."""
    kind = command.WhichOneof("variant")
    if kind is None:
        return None
    if kind == "request_cancel_activity":
        return (kind,)  # Core does not mind in which order several are asked to stop.
    body: Message = getattr(command, kind)
    if kind == "update_response" and command.update_response.HasField("rejected"):
        return None
    fields = body.DESCRIPTOR.fields_by_name
    return (kind, *(getattr(body, name) for name in _COMPARED if name in fields))
