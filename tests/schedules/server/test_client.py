"""What the commands do, from code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from musterwerk import schedules
from musterwerk.errors import ServerError, UsageError
from musterwerk.schedules.protos import OVERLAPS
from tests.schedules.server.conftest import Desk


async def test_from_apply_to_destroy(desk: Desk) -> None:
    daily = desk.schedule("daily", schedules.cron("0 6 * * *"), note="of finance")
    await schedules.apply(desk.client, daily, set_name=desk.prefix)
    await schedules.pause(desk.client, daily.name)
    state = (await desk.found("daily")).proto.state
    assert (state.paused, state.notes) == (True, "of finance")
    await schedules.unpause(desk.client, daily.name)
    state = (await desk.found("daily")).proto.state
    assert (state.paused, state.notes) == (False, "of finance")
    await schedules.trigger(desk.client, daily.name, overlap="allow_all")
    due = datetime(2024, 1, 1, 6, tzinfo=UTC)
    span = (daily.name, due, due + timedelta(days=1))
    assert await schedules.backfill(desk.client, *span) == 2
    assert await schedules.backfill(desk.client, *span) == 0
    with pytest.raises(ServerError, match=f"is of the set '{desk.prefix}'"):
        await schedules.destroy(desk.client, daily, set_name="another")
    await schedules.destroy(desk.client, daily, set_name=desk.prefix)
    assert await desk.server.describe(daily.name) is None
    await schedules.destroy(desk.client, daily, set_name=desk.prefix)


async def test_what_cannot_be_is_refused(desk: Desk) -> None:
    daily = desk.schedule("daily", schedules.cron("0 6 * * *"))
    await schedules.apply(desk.client, daily, set_name=desk.prefix)
    for act in (schedules.pause, schedules.unpause, schedules.trigger):
        with pytest.raises(UsageError, match=f"none of ours is called '{desk.prefix}-dialy'"):
            await act(desk.client, desk.name("dialy"))
    with pytest.raises(UsageError, match="'maybe' is none of skip"):
        await schedules.trigger(desk.client, daily.name, overlap="maybe")  # pyright: ignore[reportArgumentType]
    naive, noon = datetime(2024, 1, 1), datetime(2024, 1, 1, 12, tzinfo=UTC)  # noqa: DTZ001
    with pytest.raises(UsageError, match="the time zone is missing"):
        await schedules.backfill(desk.client, daily.name, naive, noon)
    with pytest.raises(UsageError, match="is before start"):
        await schedules.backfill(desk.client, daily.name, noon, noon - timedelta(days=1))


async def test_what_somebody_changed_by_hand_is_told_in_words(desk: Desk) -> None:
    daily = desk.schedule("daily", schedules.cron("0 6 * * *"))
    await desk.apply(daily)
    found = await desk.found("daily")
    proto = found.proto
    proto.policies.overlap_policy = OVERLAPS["terminate_other"]
    proto.policies.catchup_window.FromTimedelta(timedelta(hours=36))
    assert found.mark is not None
    await desk.server.update(found, proto, found.mark)

    async def words() -> tuple[str, ...]:
        (step,) = (await desk.plan(daily)).steps
        return step.words

    said: tuple[str, ...] = ()
    for _ in range(100):
        if said := await words():
            break
    assert set(said) == {
        "overlap was changed by hand: now terminate_other",
        "catch_up was changed by hand: now 1 day 12 hours",
    }
