"""A declared schedule as the server is told, and what can be compared of what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import Memo, Payloads, RetryPolicy, SearchAttributes, WorkflowType
from temporalio.api.enums.v1 import ScheduleOverlapPolicy
from temporalio.api.schedule.v1 import (
    Schedule as ScheduleProto,
)
from temporalio.api.schedule.v1 import (
    ScheduleAction,
    SchedulePolicies,
    ScheduleState,
)
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import NewWorkflowExecutionInfo
from temporalio.converter import DataConverter, PayloadConverter

from musterwerk.schedules.compiling import Compiled
from musterwerk.schedules.mark import MARK
from musterwerk.schedules.model import Overlap, Schedule
from musterwerk.schedules.native import from_proto, to_proto
from musterwerk.schedules.server import Described

OVERLAPS: Mapping[Overlap, ScheduleOverlapPolicy.ValueType] = {
    "skip": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_SKIP,
    "buffer_one": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
    "buffer_all": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL,
    "cancel_other": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER,
    "terminate_other": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER,
    "allow_all": ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
}
#: As the server has them.
OVERLAP_NAMES: Mapping[int, Overlap] = {number: name for name, number in OVERLAPS.items()}


async def to_server(
    declared: Schedule, compiled: Compiled, converter: DataConverter, state: ScheduleState
) -> ScheduleProto:
    """`state` is what only running knows: paused, note, how many runs are left."""
    found = ScheduleProto(
        spec=to_proto(compiled.spec),
        action=ScheduleAction(start_workflow=await _start(declared, converter)),
        policies=SchedulePolicies(
            overlap_policy=OVERLAPS[declared.overlap], pause_on_failure=declared.pause_on_failure
        ),
        state=state,
    )
    found.policies.catchup_window.FromTimedelta(declared.catch_up)
    return found


def new_state(declared: Schedule, *, paused: bool = False) -> ScheduleState:
    return ScheduleState(
        notes=declared.note,
        paused=paused,
        limited_actions=declared.runs is not None,
        remaining_actions=declared.runs or 0,
    )


def kept_state(was: Described, before: Schedule, after: Schedule) -> ScheduleState:
    """As it stands; where another number of runs is declared, so many more or fewer are left.

    Where somebody has lifted the number by hand, as many have been as the server counted.
    """
    state = was.proto.state
    found = ScheduleState()
    found.CopyFrom(state)
    if after.runs == before.runs and state.limited_actions == (after.runs is not None):
        return found
    found.limited_actions = after.runs is not None
    done = was.info.action_count
    if before.runs is None:
        done = 0
    elif state.limited_actions:
        done = before.runs - state.remaining_actions
    found.remaining_actions = max((after.runs or 0) - done, 0)
    return found


async def comparable(proto: ScheduleProto, converter: DataConverter) -> dict[str, Any]:
    """What a declaration decides, by field, decoded: equal where it means the same."""
    start, policies = proto.action.start_workflow, proto.policies
    retry = start.retry_policy
    return {
        "when": from_proto(proto.spec),
        "workflow": start.workflow_type.name,
        "id": start.workflow_id,
        "task_queue": start.task_queue.name,
        "args": await converter.decode(start.input.payloads),
        "memo": {
            name: (await converter.decode([one]))[0]
            for name, one in start.memo.fields.items()
            if name != MARK
        },
        "search_attributes": {
            name: PayloadConverter.default.from_payload(one)
            for name, one in start.search_attributes.indexed_fields.items()
        },
        "execution_timeout": start.workflow_execution_timeout.ToTimedelta(),
        "run_timeout": start.workflow_run_timeout.ToTimedelta(),
        "task_timeout": start.workflow_task_timeout.ToTimedelta(),
        "retry": {
            "initial_interval": retry.initial_interval.ToTimedelta(),
            "backoff_coefficient": retry.backoff_coefficient,
            "maximum_interval": retry.maximum_interval.ToTimedelta(),
            "maximum_attempts": retry.maximum_attempts,
            "non_retryable_error_types": tuple(retry.non_retryable_error_types),
        },
        "overlap": OVERLAP_NAMES.get(policies.overlap_policy or OVERLAPS["skip"], "unknown"),
        "catch_up": policies.catchup_window.ToTimedelta(),
        "pause_on_failure": policies.pause_on_failure,
        "runs": "a number" if proto.state.limited_actions else "without end",
    }


async def _start(declared: Schedule, converter: DataConverter) -> NewWorkflowExecutionInfo:
    found = NewWorkflowExecutionInfo(
        workflow_id=declared.id or declared.name,
        workflow_type=WorkflowType(name=declared.workflow),
        task_queue=TaskQueue(name=declared.task_queue),
        input=Payloads(payloads=await converter.encode(declared.args)) if declared.args else None,
    )
    _set(found.workflow_execution_timeout, declared.execution_timeout)
    _set(found.workflow_run_timeout, declared.run_timeout)
    _set(found.workflow_task_timeout, declared.task_timeout)
    if declared.memo:
        encoded = {name: (await converter.encode([one]))[0] for name, one in declared.memo.items()}
        found.memo.CopyFrom(Memo(fields=encoded))
    if declared.search_attributes:
        plain = PayloadConverter.default
        indexed = {name: plain.to_payload(one) for name, one in declared.search_attributes.items()}
        found.search_attributes.CopyFrom(SearchAttributes(indexed_fields=indexed))
    if (retry := declared.retry) is not None:
        policy = RetryPolicy(
            backoff_coefficient=retry.backoff_coefficient,
            maximum_attempts=retry.maximum_attempts,
            non_retryable_error_types=retry.non_retryable_error_types,
        )
        _set(policy.initial_interval, retry.initial_interval)
        _set(policy.maximum_interval, retry.maximum_interval)
        found.retry_policy.CopyFrom(policy)
    return found


def _set(field: Any, length: timedelta | None) -> None:
    if length is not None:
        field.FromTimedelta(length)
