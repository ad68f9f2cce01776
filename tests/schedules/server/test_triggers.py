"""Whoever triggers a run is told whether there is one."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.worker import Worker

from musterwerk import schedules
from musterwerk.errors import ScheduleRefused, UsageError
from musterwerk.schedules import control, cron, every, runs
from musterwerk.schedules.tombstones import tombstone_of
from tests.schedules.server.conftest import Desk
from tests.schedules.server.reports import Slow
from tests.waiting import until_async


async def test_one_that_is_left_out_is_not_said_to_be_started(desk: Desk) -> None:
    """The server leaves it out and says yes; the operator waits for what never comes."""
    one = desk.schedule("slow", cron("0 6 1 1 *"), workflow="Slow")
    await desk.apply(one)
    await control.trigger(desk.server, one.name)  # it waits for a worker, and so goes on
    with pytest.raises(ScheduleRefused, match="the run before goes on"):
        await control.trigger(desk.server, one.name)
    await control.trigger(desk.server, one.name, "buffer_one")
    info = (await desk.found("slow")).info
    assert (info.action_count, info.buffer_size, info.overlap_skipped) == (1, 1, 1)
    async with Worker(desk.client, task_queue=one.task_queue, workflows=[Slow]):

        async def both_ran() -> bool:
            return (await desk.found("slow")).info.action_count == 2

        await until_async(both_ran)


async def test_several_at_once_are_as_many_runs(desk: Desk) -> None:
    """Temporal starts one in a second, and says nothing of the others."""
    one = desk.schedule("busy", cron("0 6 1 1 *"), overlap="allow_all")
    await desk.apply(one)
    await asyncio.gather(*(control.trigger(desk.server, one.name) for _ in range(4)))
    assert (await desk.found("busy")).info.action_count == 4


async def test_a_run_by_the_clock_is_not_taken_for_the_one_that_was_asked_for(desk: Desk) -> None:
    one = desk.schedule("clock", every("1s"), overlap="allow_all")
    await desk.apply(one)
    asked = [await control.trigger(desk.server, one.name) for _ in range(5)]
    made = [
        run.schedule_time.ToDatetime() for run in (await desk.found("clock")).info.recent_actions
    ]
    assert len([at for at in made if at.microsecond]) >= min(len(asked), 4)  # the last ten are told


async def test_what_we_keep_for_ourselves_cannot_be_triggered(desk: Desk) -> None:
    one = desk.schedule("once", cron("0 6 * * *"), runs=1)
    await desk.apply(one)
    found = [it.name async for it in control.ours(desk.server, [tombstone_of(one.name)])]
    assert found == []
    with pytest.raises(UsageError):
        await schedules.trigger(desk.client, tombstone_of(one.name))


async def test_where_each_second_has_a_run_there_is_no_place_for_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would get a due time of weeks ago, and its workflow would work on that."""
    monkeypatch.setattr(runs, "_LATEST", 0)
    one = desk.schedule("dense", cron("0 6 1 1 *"))
    await desk.apply(one)
    with pytest.raises(ScheduleRefused, match="a run in each second already"):
        await control.trigger(desk.server, one.name)
    assert (await desk.found("dense")).info.action_count == 0
