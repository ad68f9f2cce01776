"""Schedules on Temporal's server, by its raw service: only there is the conflict token.

The schedule's memo says that it is ours, and in which set it was made: those without are never
touched. What is declared stands in a header of the workflow that it starts, for the memo of a
schedule can be written only once.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Memo, Payload
from temporalio.api.schedule.v1 import Schedule as ScheduleProto
from temporalio.api.schedule.v1 import ScheduleInfo, SchedulePatch
from temporalio.api.workflowservice.v1 import (
    CreateScheduleRequest,
    DeleteScheduleRequest,
    DescribeScheduleRequest,
    ListScheduleMatchingTimesRequest,
    ListSchedulesRequest,
    PatchScheduleRequest,
    UpdateScheduleRequest,
)
from temporalio.client import Client
from temporalio.converter import PayloadConverter
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.errors import ServerError, UsageError
from musterwerk.schedules.mark import MARK, Mark, Told
from musterwerk.schedules.model import OURS_ALONE

#: Requests at once: a server refuses what is too much for it.
SIDE_BY_SIDE = 24
_RPC = timedelta(seconds=10)
_PAGE = 1_000
#: A server that has too much to do says so, and it does not come to it: a schedule takes one
#: question at a time, and two applies ask at once.
_BUSY_SECONDS, _BUSY_PAUSE = 20.0, 0.1
_LOOKS, _LOOK_SECONDS = 60, 0.05
_PLAIN = PayloadConverter.default
T = TypeVar("T")


@dataclass(frozen=True)
class Described:
    """A schedule as the server has it. `mark` is None where it is not `ours`, where somebody has
    put another action into it by hand, or where another version's cannot be read. `made_in` is the
    set in which it was made."""

    name: str
    ours: bool
    proto: ScheduleProto
    info: ScheduleInfo
    mark: Mark | None
    token: bytes
    made_in: str = ""

    @property
    def set_name(self) -> str:
        return self.mark.set_name if self.mark else self.made_in


class ScheduleServer:
    """Raises `ServerError` while the server is away."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._service = client.workflow_service
        self._where: dict[str, Any] = {"namespace": client.namespace}

    async def describe(self, name: str) -> Described | None:
        request = DescribeScheduleRequest(**self._where, schedule_id=name)
        try:
            found = await _patient(self._service.describe_schedule, request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise away(error) from error
        mark, made_in = await self._mark(found.schedule), ""
        if ours := MARK in found.memo.fields:
            made_in = _made_in(found.memo)
        return Described(
            name, ours, found.schedule, found.info, mark, found.conflict_token, made_in
        )

    async def create(self, name: str, proto: ScheduleProto, mark: Mark) -> bool:
        """False where there is one of this name already."""
        request = CreateScheduleRequest(
            **self._where,
            schedule_id=name,
            schedule=await self._marked(proto, mark),
            memo=Memo(fields={MARK: _PLAIN.to_payload(mark.set_name)}),
            request_id=str(uuid.uuid4()),
        )
        try:
            await _patient(self._service.create_schedule, request)
        except RPCError as error:
            if error.status is RPCStatusCode.ALREADY_EXISTS:
                return False
            raise away(error) from error
        return True

    async def update(self, was: Described, proto: ScheduleProto, mark: Mark) -> Described | None:
        """As it is then: what was wanted, or what somebody else has made of it who was first since
        `was`. None where it has gone, or the server has done nothing for some seconds."""
        request = UpdateScheduleRequest(
            **self._where,
            schedule_id=was.name,
            schedule=await self._marked(proto, mark),
            conflict_token=was.token,
            request_id=str(uuid.uuid4()),
        )
        try:
            await _patient(self._service.update_schedule, request)
        except RPCError as error:
            if error.status is not RPCStatusCode.FAILED_PRECONDITION:
                raise away(error) from error
        # The server takes an update as a signal, and does it a moment later.
        for _ in range(_LOOKS):
            found = await self.describe(was.name)
            if found is None or found.token != was.token:
                return found
            await asyncio.sleep(_LOOK_SECONDS)
        return None

    async def delete(self, name: str) -> bool:
        request = DeleteScheduleRequest(**self._where, schedule_id=name)
        try:
            await _patient(self._service.delete_schedule, request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise away(error) from error
        return True

    async def patch(self, name: str, patch: SchedulePatch) -> None:
        request = PatchScheduleRequest(
            **self._where, schedule_id=name, patch=patch, request_id=str(uuid.uuid4())
        )
        try:
            await _patient(self._service.patch_schedule, request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise UsageError(f"there is no schedule {name!r}") from None
            raise away(error) from error

    async def names(self) -> AsyncIterator[str]:
        """Of ours, in the whole namespace, without those that we keep for ourselves. A list may be
        some seconds old."""
        async for name, _ in self.listed():
            yield name

    async def listed(self) -> AsyncIterator[tuple[str, str]]:
        """As `names`, with the set in which each was made."""
        page = b""
        while True:
            request = ListSchedulesRequest(
                **self._where, maximum_page_size=_PAGE, next_page_token=page
            )
            try:
                found = await _patient(self._service.list_schedules, request)
            except RPCError as error:
                raise away(error) from error
            for one in found.schedules:
                if MARK in one.memo.fields and not one.schedule_id.startswith(OURS_ALONE):
                    yield one.schedule_id, _made_in(one.memo)
            page = found.next_page_token
            if not page:
                return

    async def times(self, name: str, after: datetime, until: datetime) -> AsyncIterator[datetime]:
        """When the server will fire, after `after`; a thousand at a time, as it tells them."""
        while True:
            request = ListScheduleMatchingTimesRequest(
                **self._where, schedule_id=name, start_time=stamp(after), end_time=stamp(until)
            )
            try:
                found = await _patient(self._service.list_schedule_matching_times, request)
            except RPCError as error:
                raise away(error) from error
            before = after
            for one in found.start_time:
                if (at := one.ToDatetime(tzinfo=UTC)) > after:
                    after = at
                    yield after
            # At some changes of the past the server says one moment for ever.
            if len(found.start_time) < _PAGE or after == before:
                return

    async def _marked(self, proto: ScheduleProto, mark: Mark) -> ScheduleProto:
        found = ScheduleProto()
        found.CopyFrom(proto)
        start = found.action.start_workflow
        start.header.fields[MARK].CopyFrom(await self._encoded(mark.as_json()))
        told = Told(when=mark.declared.when, as_of=mark.as_of)
        start.memo.fields[MARK].CopyFrom(await self._encoded(told.as_json()))
        return found

    async def _mark(self, proto: ScheduleProto) -> Mark | None:
        header = proto.action.start_workflow.header.fields
        if MARK not in header:
            return None
        converter = self.client.data_converter
        try:
            (found,) = await converter.decode([header[MARK]], [dict[str, Any]])
            return Mark.read(found)
        except Exception:  # another codec's errors are of any kind
            return None

    async def _encoded(self, value: Any) -> Payload:
        (found,) = await self.client.data_converter.encode([value])
        return found


async def _patient(call: Callable[..., Awaitable[T]], request: object) -> T:
    """Requests have ids: the server knows one that comes again."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _BUSY_SECONDS
    while True:
        try:
            return await call(request, timeout=_RPC)
        except RPCError as error:
            if error.status is not RPCStatusCode.RESOURCE_EXHAUSTED or loop.time() > until:
                raise
        await asyncio.sleep(_BUSY_PAUSE * (0.5 + random.random()))  # noqa: S311 - no secret


def stamp(at: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(at)
    return found


def away(error: RPCError) -> Exception:
    """What to raise for it."""
    if error.status is RPCStatusCode.INVALID_ARGUMENT:
        return UsageError(f"Temporal's server does not take it: {error.message}")
    return ServerError(f"Temporal's server: {error.message or error.status.name}")


def _made_in(memo: Memo) -> str:
    """Not for a codec: whose one is has to be known to everybody. "" where it is no text."""
    found = memo.fields[MARK].data
    try:
        return str(json.loads(found))
    except ValueError:
        return ""
