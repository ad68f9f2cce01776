"""The due times of a schedule that the server has, as it has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from musterwerk.schedules.native import from_proto
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.schedules.server_rules import fires


def is_told_by_server(found: Described) -> bool:
    """With jitter the server tells when it will start, and not for which time of day: the due times
    are those of its rules then."""
    return not from_proto(found.proto.spec).jitter


async def due_times(
    server: ScheduleServer, found: Described, after: datetime, until: datetime
) -> AsyncIterator[datetime]:
    """Those after `after`, up to and with `until`, without jitter."""
    if is_told_by_server(found):
        async for one in server.times(found.name, after, until):
            yield one
        return
    for one in fires(from_proto(found.proto.spec), after, until):
        yield one
