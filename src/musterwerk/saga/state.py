"""A saga as plain JSON, to be carried over a continue-as-new.

Arguments and results stay the payloads that Temporal's converter made of them; the next run
hands them to the undo as they are, so no type has to be known again.
"""

from __future__ import annotations

import dataclasses
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import Priority, RawValue, RetryPolicy
from temporalio.workflow import ActivityCancellationType, VersioningIntent

from musterwerk.saga.model import Branch, Step, StepOptions

_TIMEOUTS = (
    "schedule_to_close_timeout",
    "schedule_to_start_timeout",
    "start_to_close_timeout",
    "heartbeat_timeout",
    "local_retry_threshold",
)
_INTERVALS = ("initial_interval", "maximum_interval")


def dump_step(step: Step) -> dict[str, Any]:
    return {
        **step.report(),
        "args": [dump_value(arg) for arg in step.args],
        "result": dump_value(step.result),
        "options": _dump_options(step.options),
        "undo_options": _dump_options(step.undo_options),
    }


def load_step(data: dict[str, Any]) -> Step:
    """A step of an earlier run. What was still under way then is unknown, or still to be done."""
    status = "failed" if data["status"] in ("running", "unknown") else data["status"]
    undone = data["undo_status"]
    undo_status = "registered" if undone in ("planned", "running", "dead_letter") else undone
    return Step(
        id=data["id"],
        activity=data["activity"],
        call=data["activity"],
        args=[load_value(arg) for arg in data["args"]],
        options=_load_options(data["options"]),
        undo=data["undo"],
        undo_name=data["undo"],
        undo_options=_load_options(data["undo_options"]),
        kind=data["kind"],
        branch=_load_branch(data["branch"]),
        status=status,
        undo_status=undo_status,
        result=load_value(data["result"]),
        error=data["error"],
        undo_error=data["undo_error"],
    )


def _load_branch(text: str) -> Branch:
    pairs = (part.split(".") for part in text.split("/") if part)
    return tuple((int(group), int(number)) for group, number in pairs)


def dump_value(value: Any) -> dict[str, Any]:
    if isinstance(value, RawValue):
        payload = value.payload
    else:
        payload = workflow.payload_converter().to_payload(value)
    return {
        "metadata": {key: b64encode(part).decode() for key, part in payload.metadata.items()},
        "data": b64encode(payload.data).decode(),
    }


def load_value(data: dict[str, Any]) -> RawValue:
    metadata = {key: b64decode(part) for key, part in data["metadata"].items()}
    return RawValue(Payload(metadata=metadata, data=b64decode(data["data"])))


def _dump_options(options: StepOptions) -> dict[str, Any]:
    data: dict[str, Any] = {**options}
    for key, value in data.items():
        if isinstance(value, timedelta):
            data[key] = value.total_seconds()
        elif isinstance(value, RetryPolicy):
            data[key] = _dump_policy(value)
        elif isinstance(value, Priority):
            data[key] = dataclasses.asdict(value)
        elif isinstance(value, (ActivityCancellationType, VersioningIntent)):
            data[key] = value.value
    return data


def _load_options(data: dict[str, Any]) -> StepOptions:
    options: Any = dict(data)
    for key in _TIMEOUTS:
        if options.get(key) is not None:
            options[key] = timedelta(seconds=options[key])
    if options.get("retry_policy") is not None:
        options["retry_policy"] = _load_policy(options["retry_policy"])
    if options.get("priority") is not None:
        options["priority"] = Priority(**options["priority"])
    if options.get("cancellation_type") is not None:
        options["cancellation_type"] = ActivityCancellationType(options["cancellation_type"])
    if options.get("versioning_intent") is not None:
        options["versioning_intent"] = VersioningIntent(options["versioning_intent"])
    return options


def _dump_policy(policy: RetryPolicy) -> dict[str, Any]:
    data = dataclasses.asdict(policy)
    for key in _INTERVALS:
        if data[key] is not None:
            data[key] = data[key].total_seconds()
    return data


def _load_policy(data: dict[str, Any]) -> RetryPolicy:
    values = dict(data)
    for key in _INTERVALS:
        if values[key] is not None:
            values[key] = timedelta(seconds=values[key])
    return RetryPolicy(**values)
