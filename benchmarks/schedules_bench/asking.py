"""When a real server says that a spec fires: it is put there as a paused schedule, and asked."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import WorkflowType
from temporalio.api.schedule.v1 import Schedule, ScheduleAction, ScheduleState
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import NewWorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    CreateScheduleRequest,
    DeleteScheduleRequest,
    DescribeScheduleRequest,
    GetSystemInfoRequest,
    ListScheduleMatchingTimesRequest,
)
from temporalio.client import Client

from musterwerk.schedules.native import NativeSpec, from_proto, to_proto

#: The server tells no more at once.
_PAGE = 1_000


class Asked:
    """A spec on the server, paused."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self.name = name

    async def times(self, after: datetime, until: datetime) -> list[datetime]:
        """Without what it repeats: at some changes it says one moment for ever."""
        found = list[datetime]()
        while True:
            answer = await self._client.workflow_service.list_schedule_matching_times(
                ListScheduleMatchingTimesRequest(
                    namespace=self._client.namespace,
                    schedule_id=self.name,
                    start_time=_stamp(found[-1] if found else after),
                    end_time=_stamp(until),
                )
            )
            told = [one.ToDatetime(tzinfo=UTC) for one in answer.start_time]
            found += (at for n, at in enumerate(told) if at > (told[n - 1] if n else after))
            if len(told) < _PAGE or told[-1] == told[-2]:
                return found

    async def described(self) -> NativeSpec:
        found = await self._client.workflow_service.describe_schedule(
            DescribeScheduleRequest(namespace=self._client.namespace, schedule_id=self.name)
        )
        return from_proto(found.schedule.spec)


@asynccontextmanager
async def asked(client: Client, spec: NativeSpec) -> AsyncIterator[Asked]:
    name = f"asked-{uuid.uuid4().hex}"
    start = NewWorkflowExecutionInfo(
        workflow_id=name,
        workflow_type=WorkflowType(name="Nothing"),
        task_queue=TaskQueue(name="nobody"),
    )
    await client.workflow_service.create_schedule(
        CreateScheduleRequest(
            namespace=client.namespace,
            schedule_id=name,
            request_id=name,
            schedule=Schedule(
                spec=to_proto(spec),
                action=ScheduleAction(start_workflow=start),
                state=ScheduleState(paused=True),
            ),
        )
    )
    try:
        yield Asked(client, name)
    finally:
        await client.workflow_service.delete_schedule(
            DeleteScheduleRequest(namespace=client.namespace, schedule_id=name)
        )


async def server_version(client: Client) -> str:
    found = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return found.server_version


def _stamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found
