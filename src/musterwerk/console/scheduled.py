"""How one schedule stands: as the server has it, or while it is away, as the ledger does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from temporalio.service import RPCError

from musterwerk.console.services import Services
from musterwerk.errors import ServerError, UsageError
from musterwerk.schedules.asking import due_times, is_told_by_server
from musterwerk.schedules.model import Schedule, When
from musterwerk.schedules.preview import Due, compare, preview
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.store.ledger_rows import ScheduleRow

#: A page waits no longer for a server that is away.
_SECONDS = 5.0
_SHOWN = 10
_SPANS = tuple(timedelta(days=days) for days in (1, 40, 400, 15_000))
_LAST = datetime(2100, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class Standing:
    """`server` is None where it is away, or does not have it. `source` of the next runs is
    "server", or "rules" where they are by our own account of them."""

    name: str
    declared: Schedule | None
    workflow: str
    task_queue: str
    owner: str
    note: str
    paused: bool
    server: Described | None
    away: bool
    nexts: list[Due]
    source: str


async def standing(services: Services, name: str, row: ScheduleRow | None) -> Standing | None:
    """None where nobody knows it. Raises `ServerError` where the server is away, and the ledger
    does not know it either."""
    now = services.now()
    found, away, nexts, source = None, False, list[Due](), "server"
    try:
        async with asyncio.timeout(_SECONDS):
            server = ScheduleServer(await services.temporal.client())
            described = await server.describe(name)
            found = described if described is not None and described.ours else None
            if found is not None:
                nexts = await _asked(server, found, now)
                source = "server" if is_told_by_server(found) else "rules"
    except (TimeoutError, ServerError, UsageError, RPCError):
        away = True
    if found is None and row is None:
        if away:
            raise ServerError("the Temporal server does not answer")
        return None
    declared = found.mark.declared if found and found.mark else _declared(row)
    if away and declared is not None and not (row and row.gone_at):
        source = "rules"
        nexts = await asyncio.to_thread(_by_rules, declared.when, now)
    action = found.proto.action.start_workflow if found else None
    return Standing(
        name=name,
        declared=declared,
        workflow=action.workflow_type.name if action else row.workflow if row else "",
        task_queue=action.task_queue.name if action else row.task_queue if row else "",
        owner=declared.owner if declared else row.owner if row else "",
        note=found.proto.state.notes if found else row.note if row else "",
        paused=found.proto.state.paused if found else bool(row and row.paused),
        server=found,
        away=away,
        nexts=nexts,
        source=source,
    )


async def _asked(server: ScheduleServer, found: Described, now: datetime) -> list[Due]:
    """In spans that grow: of what runs every minute no year is asked for."""
    when, dues = found.mark.declared.when if found.mark else None, list[Due]()
    for span in _SPANS:
        until = min(now + span, _LAST)
        times = await _first(due_times(server, found, now, until))
        end = times[-1] if len(times) == _SHOWN else until
        zone = found.proto.spec.timezone_name or "UTC"
        dues = await asyncio.to_thread(_beside, when, times, now, end, zone)
        if len(dues) >= _SHOWN:
            break
    return dues[:_SHOWN]


async def _first(times: AsyncIterator[datetime]) -> list[datetime]:
    found: list[datetime] = []
    async for one in times:
        found.append(one)
        if len(found) == _SHOWN:
            break
    return found


def _beside(
    when: When | None, times: list[datetime], after: datetime, until: datetime, zone: str
) -> list[Due]:
    """Where the declaration cannot be read, only what will happen is known."""
    if when is None:
        return [Due(at.astimezone(ZoneInfo(zone)), at, False, True) for at in times]
    return list(islice(compare(when, times, after, until), _SHOWN))


def _by_rules(when: When, now: datetime) -> list[Due]:
    try:
        return preview(when, now, _SHOWN)
    except UsageError:
        return []


def _declared(row: ScheduleRow | None) -> Schedule | None:
    if row is None or row.declared is None:
        return None
    try:
        return Schedule.read(row.declared)
    except ValidationError:
        return None
