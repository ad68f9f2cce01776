"""The chapter's schedules, as a team would declare them, against a real server."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from temporalio.worker import Worker

from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, control, cron, every
from musterwerk.schedules.backfilling import do_backfill, make_backfill
from musterwerk.schedules.model import Overlap
from tests.schedules.server.conftest import Desk
from tests.schedules.server.reports import Long, Report
from tests.waiting import until_async


def schedules(desk: Desk) -> dict[str, Schedule]:
    found = {
        "daily": cron("0 6 * * *"),
        "working-days": cron("0 9 * * 1-5"),
        "quarters": cron("*/15 * * * *"),
        "monthly": cron("0 0 1 * *"),
        "health": every("5m"),
    }
    return {
        name: desk.schedule(
            name, when, workflow=Report.run, args=[name], task_queue=f"{desk.prefix}-reports"
        )
        for name, when in found.items()
    }


async def results(desk: Desk, name: str) -> list[list[str | None]]:
    found: list[list[str | None]] = []
    query = f"TemporalScheduledById = '{desk.name(name)}' AND ExecutionStatus = 'Completed'"
    async for run in desk.client.list_workflows(query):
        handle = desk.client.get_workflow_handle(run.id, run_id=run.run_id, result_type=list)
        found.append(await handle.result())
    return sorted(found, key=lambda one: str(one[2]))


async def next_five(desk: Desk, name: str) -> list[datetime]:
    info = (await desk.found(name)).info
    return [one.ToDatetime(tzinfo=UTC) for one in info.future_action_times][:5]


async def test_they_are_applied_paused_triggered_and_deleted(desk: Desk) -> None:
    several = schedules(desk)
    await desk.apply(*several.values())
    daily = await next_five(desk, "daily")
    assert [one.hour for one in daily] == [6] * 5
    assert {b - a for a, b in pairwise(daily)} == {timedelta(days=1)}
    assert all(one.weekday() < 5 and one.hour == 9 for one in await next_five(desk, "working-days"))
    assert {one.minute % 15 for one in await next_five(desk, "quarters")} == {0}
    assert {(one.day, one.hour) for one in await next_five(desk, "monthly")} == {(1, 0)}
    assert {one.minute % 5 for one in await next_five(desk, "health")} == {0}

    await control.pause(desk.server, desk.name("daily"), "Maintenance window")
    paused = control.facts(await desk.found("daily"))
    assert (paused["paused"], paused["note"], paused["next"]) == (True, "Maintenance window", [])
    await control.unpause(desk.server, desk.name("daily"), "Maintenance complete")
    assert not (await desk.found("daily")).proto.state.paused

    async with Worker(desk.client, task_queue=f"{desk.prefix}-reports", workflows=[Report]):
        await control.trigger(desk.server, desk.name("monthly"), "allow_all")

        async def has_run() -> bool:
            return len(await results(desk, "monthly")) == 1

        await until_async(has_run)
    ((kind, key, _, before),) = await results(desk, "monthly")
    assert kind == "monthly"
    assert (key or "").startswith(desk.name("monthly") + "@")
    assert before is not None
    assert datetime.fromisoformat(before).day == 1

    await desk.server.delete(desk.name("health"))

    async def gone() -> bool:
        return await desk.server.describe(desk.name("health")) is None

    await until_async(gone)


async def test_january_2024_is_made_up_for_once(desk: Desk) -> None:
    """A naive backfill runs again what has run; an interrupted one leaves nobody knows what."""
    daily = schedules(desk)["daily"]
    await desk.apply(daily)
    span = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, 23, 59, tzinfo=UTC)
    policy: Overlap = "allow_all"
    async with Worker(desk.client, task_queue=f"{desk.prefix}-reports", workflows=[Report]):
        # Two of them have been: those of the 1st and the 2nd.
        some = await make_backfill(desk.server, daily.name, span[0], span[0] + timedelta(days=2))
        assert await do_backfill(desk.server, some, policy) == 2
        plan = await make_backfill(desk.server, daily.name, *span)
        assert (len(plan.due), len(plan.missing)) == (31, 29)
        assert plan.may_repeat  # it is long before what the server keeps
        seen: list[int] = []
        assert await do_backfill(desk.server, plan, policy, seen.append) == 29
        assert seen[-1] == 29

        async def all_have_run() -> bool:
            return len(await results(desk, "daily")) >= 31

        await until_async(all_have_run)
    found = await results(desk, "daily")
    assert [one[2] for one in found] == [f"2024-01-{day:02}T06:00:00+00:00" for day in range(1, 32)]
    assert found[1][3] == "2024-01-01T06:00:00+00:00"
    again = await make_backfill(desk.server, daily.name, *span)
    assert again.missing == ()
    every_time = await make_backfill(desk.server, daily.name, *span, only_missing=False)
    assert len(every_time.missing) == 31


async def test_a_run_of_business_days_can_ask_for_the_one_before(desk: Desk) -> None:
    """The holidays' libraries look at the clock when they are loaded, which the sandbox forbids."""
    when = cron("0 6 * * *", tz="Europe/Berlin", business_days="DE-BY")
    queue = f"{desk.prefix}-reports"
    await desk.apply(desk.schedule("work", when, workflow="Report", args=("x",), task_queue=queue))
    async with Worker(desk.client, task_queue=queue, workflows=[Report]):
        await control.trigger(desk.server, desk.name("work"), "allow_all")

        async def has_run() -> bool:
            return len(await results(desk, "work")) == 1

        await until_async(has_run)
    ((_, _, _, before),) = await results(desk, "work")
    assert before is not None


async def test_what_went_on_as_new_still_knows_the_due_time_before(desk: Desk) -> None:
    """Its window would begin nowhere."""
    queue = f"{desk.prefix}-long"
    daily = desk.schedule("long", cron("0 6 * * *"), workflow="Long", task_queue=queue)
    await desk.apply(daily)
    due = datetime(2024, 1, 2, 6, tzinfo=UTC)
    async with Worker(desk.client, task_queue=queue, workflows=[Long]):
        await do_backfill(desk.server, await make_backfill(desk.server, daily.name, due, due))
        run = desk.client.get_workflow_handle(f"{daily.name}-{due:%Y-%m-%dT%H:%M:%SZ}")
        found = await run.result()
    assert found[2:] == [due.isoformat(), "2024-01-01T06:00:00+00:00"]


async def test_in_a_fresh_worker_the_day_before_a_holiday_is_known(
    desk: Desk, temporal_server: EmbeddedServer
) -> None:
    """The libraries of holidays are loaded within the workflow then, and in its sandbox. They tell
    of years before the apply, too: windows that adjoin would have a gap else."""
    when = cron("0 6 * * *", tz="Europe/Berlin", business_days="DE")
    queue = f"{desk.prefix}-fresh"
    daily = desk.schedule("work", when, workflow="Report", args=("x",), task_queue=queue)
    await desk.apply(daily)
    due = datetime(2024, 1, 2, 5, tzinfo=UTC)
    await do_backfill(desk.server, await make_backfill(desk.server, daily.name, due, due))
    command = ("-m", "tests.schedules.server.fresh_worker", temporal_server.address, queue)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, f"{daily.name}-{due:%Y-%m-%dT%H:%M:%SZ}", stdout=PIPE
    )
    said, _ = await process.communicate()
    # On a slow machine Temporal says of the first try that it took too long.
    *_, last = said.splitlines()
    assert json.loads(last)[2:] == [due.isoformat(), "2023-12-29T05:00:00+00:00"]
