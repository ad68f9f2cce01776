"""Schedules from code: the same as by command, and as careful."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from musterwerk import schedules
from musterwerk.errors import ScheduleRefused, ServerError, UsageError
from musterwerk.schedules import cron
from tests.schedules.server.conftest import Desk

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 10, 23, tzinfo=UTC)


async def test_from_apply_to_destroy(desk: Desk) -> None:
    client, one = desk.client, desk.schedule("daily", cron("0 6 * * *"))
    await schedules.apply(client, one, set_name=desk.prefix)
    await schedules.pause(client, one.name, note="stocktaking")
    state = (await desk.found("daily")).proto.state
    assert (state.paused, state.notes) == (True, "stocktaking")
    await schedules.unpause(client, one.name)
    state = (await desk.found("daily")).proto.state
    assert (state.paused, state.notes) == (False, "stocktaking")
    assert await schedules.backfill(client, one.name, FIRST, LAST) == 10
    assert await schedules.backfill(client, one.name, FIRST, LAST) == 0
    await schedules.trigger(client, one.name)
    with pytest.raises(ScheduleRefused, match="the run before goes on"):
        await schedules.trigger(client, one.name)
    try:
        await schedules.trigger(client, one.name, overlap="allow_all")
    except ScheduleRefused as refused:  # two within one second
        assert refused.why == "same_second"
        await schedules.trigger(client, one.name, overlap="allow_all")
    assert (await desk.found("daily")).info.action_count == 12
    with pytest.raises(ServerError, match=f"it is of the set '{desk.prefix}'"):
        await schedules.destroy(client, one, set_name=desk.prefix + "x")
    await schedules.destroy(client, one, set_name=desk.prefix)
    assert await desk.server.describe(one.name) is None


async def test_what_is_wrong_is_said(desk: Desk) -> None:
    client, one = desk.client, desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    with pytest.raises(UsageError, match=f"did you mean '{one.name}'"):
        await schedules.pause(client, one.name + "y")
    with pytest.raises(UsageError, match="the time zone is missing"):
        await schedules.backfill(client, one.name, datetime(2024, 1, 1), LAST)  # noqa: DTZ001
    with pytest.raises(UsageError, match="is before start"):
        await schedules.backfill(client, one.name, LAST, FIRST)
