"""Words for the events of a history: what a workflow saw, and what it asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowHistory

_UNTOLD = ("workflow_task_scheduled", "activity_task_started")


@dataclass
class TaskTold:
    """One workflow task in words."""

    saw: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])


def tasks_of(history: WorkflowHistory) -> list[TaskTold]:
    """Its workflow tasks in their order, those that were lost or failed among them."""
    steps: dict[int, str] = {}
    told = [TaskTold()]
    saw: list[str] = []
    answered = False
    for event in history.events:
        name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
        given: Any = getattr(event, name + "_event_attributes")
        if name == "workflow_task_started":
            told[-1].saw += saw
            told.append(TaskTold())
            saw, answered = [], False
        elif name == "workflow_task_completed":
            answered = True
        elif name in ("workflow_task_timed_out", "workflow_task_failed"):
            told[-2].asked.append("nothing: " + name.replace("_", " ") + _why(given))
        elif name not in _UNTOLD:
            text = _words(event.event_id, name, given, steps)
            asked = answered and getattr(given, "workflow_task_completed_event_id", 0)
            (told[-2].asked if asked else saw).append(text)
    return told[:-1]


def _words(event_id: int, name: str, given: Any, steps: dict[int, str]) -> str:
    if name == "activity_task_scheduled":
        steps[event_id] = given.activity_type.name
        return f"run {given.activity_type.name}"
    if name == "activity_task_cancel_requested":
        return f"cancel {steps.get(given.scheduled_event_id, 'an activity')}"
    if name.startswith("activity_task_"):
        step = steps.get(given.scheduled_event_id, "an activity")
        return f"{step} {name.removeprefix('activity_task_').replace('_', ' ')}{_why(given)}"
    if name == "workflow_execution_signaled":
        return f"signal {given.signal_name}"
    if name == "timer_started":
        return f"wait for {given.start_to_fire_timeout.ToTimedelta()}"
    if name.startswith("child_workflow_execution_"):
        return name.replace("_", " ") + f" ({given.workflow_type.name}){_why(given)}"
    return name.replace("_", " ") + _why(given)


def _why(given: Any) -> str:
    """The innermost message of a failure, if there is one."""
    failure: Failure | None = getattr(given, "failure", None)
    if failure is None or not failure.ByteSize():
        return ""
    while failure.HasField("cause"):
        failure = failure.cause
    return f" ({failure.message})" if failure.message else ""
