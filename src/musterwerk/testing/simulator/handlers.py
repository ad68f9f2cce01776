"""What each command of a workflow sets going."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator import (
    activities,
    children,
    endings,
    external,
    local,
    marks,
    timers,
    updates,
)

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

_HANDLERS: dict[str, Callable[[Run, Any], None]] = {
    "start_timer": timers.start,
    "cancel_timer": timers.cancel,
    "schedule_activity": activities.schedule,
    "request_cancel_activity": activities.cancel,
    "schedule_local_activity": local.schedule,
    "request_cancel_local_activity": local.cancel,
    "start_child_workflow_execution": children.start,
    "cancel_child_workflow_execution": children.cancel,
    "signal_external_workflow_execution": external.signal,
    "cancel_signal_workflow": external.cancel_signal,
    "request_cancel_external_workflow_execution": external.request_cancel,
    "update_response": updates.respond,
    "set_patch_marker": marks.patch,
    "upsert_workflow_search_attributes": marks.search_attributes,
    "modify_workflow_properties": marks.memo,
    "complete_workflow_execution": endings.complete,
    "fail_workflow_execution": endings.fail,
    "cancel_workflow_execution": endings.cancel,
    "continue_as_new_workflow_execution": endings.continue_as_new,
}


def handle(run: Run, command: WorkflowCommand) -> None:
    kind = command.WhichOneof("variant") or "nothing"
    handler = _HANDLERS.get(kind)
    if handler is None:
        what = "Nexus operations" if "nexus" in kind else f"the command {kind}"
        raise SimulationError(
            f"{run.workflow_type} uses {what}, which the simulator does not support:"
            " test this workflow against a server"
        )
    handler(run, getattr(command, kind))
