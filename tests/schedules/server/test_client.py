"""Schedules from code: the same as by command, and as careful."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from musterwerk import schedules
from musterwerk.errors import ScheduleRefused, ServerError, UsageError
from musterwerk.schedules import cron
from musterwerk.schedules.protos import OVERLAPS
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
    with suppress(ScheduleRefused):  # within the same second
        await schedules.trigger(client, one.name, overlap="allow_all")
    if (await desk.found("daily")).info.action_count == 11:
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
    with pytest.raises(UsageError, match="'maybe' is none of skip"):
        await schedules.trigger(client, one.name, overlap="maybe")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="the time zone is missing"):
        await schedules.backfill(client, one.name, datetime(2024, 1, 1), LAST)  # noqa: DTZ001
    with pytest.raises(UsageError, match="is before start"):
        await schedules.backfill(client, one.name, LAST, FIRST)


async def test_what_somebody_changed_by_hand_is_told_in_words(desk: Desk) -> None:
    daily = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(daily)
    found = await desk.found("daily")
    proto = found.proto
    proto.policies.overlap_policy = OVERLAPS["terminate_other"]
    proto.policies.catchup_window.FromTimedelta(timedelta(hours=36))
    assert found.mark is not None
    await desk.server.update(found, proto, found.mark)

    (step,) = (await desk.plan(daily)).steps
    assert set(step.words) == {
        "overlap was changed by hand: now terminate_other",
        "catch_up was changed by hand: now 1 day 12 hours",
    }
