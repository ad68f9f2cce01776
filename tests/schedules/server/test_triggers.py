"""Whoever triggers a run is told whether there is one."""

from __future__ import annotations

import pytest
from temporalio.worker import Worker

from musterwerk.errors import ScheduleRefused
from musterwerk.schedules import control, cron
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
