"""Which runs of a schedule Temporal knows: by its list, which may be some seconds old, or by id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.schedules.attributes import DUE
from musterwerk.schedules.server import SIDE_BY_SIDE, Described, ScheduleServer, away

_RPC = timedelta(seconds=10)
_LATEST = 60
#: On SQLite the server compares times as text, and the ends of a span may not be in it.
_MARGIN = timedelta(days=1)


async def runs_between(
    server: ScheduleServer, schedule: Described, start: datetime, end: datetime
) -> set[datetime]:
    """The due times of the runs that Temporal lists, also under names that it had before, unless
    another schedule has such a name now."""
    names = [quoted(schedule.name)]
    for name in schedule.mark.former if schedule.mark else ():
        if await server.describe(name) is None:
            names.append(quoted(name))
    query = (
        f"TemporalScheduledById IN ({', '.join(names)}) "
        f"AND TemporalScheduledStartTime >= '{_text(start - _MARGIN)}' "
        f"AND TemporalScheduledStartTime <= '{_text(end + _MARGIN)}'"
    )
    found = set[datetime]()
    try:
        async for run in server.client.list_workflows(query):
            due = run.typed_search_attributes.get(DUE)
            if due is not None:
                found.add(due.astimezone(UTC))
    except RPCError as error:
        raise away(error) from error
    return found


async def without_run(
    server: ScheduleServer, found: Described, part: Sequence[datetime]
) -> list[datetime]:
    """Those of which there is no workflow, asked one by one."""
    base = found.proto.action.start_workflow.workflow_id
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def has(due: datetime) -> bool:
        async with few:
            return await has_run(server, base, due)

    have = await asyncio.gather(*map(has, part))
    return [due for due, has in zip(part, have, strict=True) if not has]


async def has_run(server: ScheduleServer, base: str, due: datetime) -> bool:
    """`base` is what the ids of its runs begin with."""
    handle = server.client.get_workflow_handle(f"{base}-{_text(due)}")
    try:
        await handle.describe(rpc_timeout=_RPC)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise away(error) from error
    return True


async def free_second(server: ScheduleServer, base: str, at: datetime) -> datetime | None:
    """The latest second up to `at` that has no run, for ids are made of it; None where there is
    none for a minute: what runs every second has no place for another one."""
    for seconds in range(_LATEST):
        one = at - timedelta(seconds=seconds)
        if not await has_run(server, base, one):
            return one
    return None


async def kept_since(server: ScheduleServer) -> datetime | None:
    """Runs that ended before are forgotten; None where none ever is."""
    request = DescribeNamespaceRequest(namespace=server.client.namespace)
    try:
        found = await server.client.workflow_service.describe_namespace(request, timeout=_RPC)
    except RPCError as error:
        raise away(error) from error
    kept = found.config.workflow_execution_retention_ttl.ToTimedelta()
    return datetime.now(UTC) - kept if kept else None


def quoted(text: str) -> str:
    """As a list filter of Temporal's wants it."""
    return "'" + text.replace("'", "''") + "'"


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
