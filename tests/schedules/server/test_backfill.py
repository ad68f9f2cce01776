"""Runs that have not been are started once, whoever is interrupted, and with jitter too."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from musterwerk.errors import ServerError
from musterwerk.schedules import Schedule, cron, lease
from musterwerk.schedules.backfilling import do_backfill, make_backfill
from musterwerk.schedules.lease import Lease
from tests.schedules.server.conftest import Desk
from tests.waiting import until_async

_LONGER = timedelta(seconds=3)
FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, 23, 59, tzinfo=UTC)


@workflow.defn(name="Idle")
class Idle:
    @workflow.run
    async def run(self) -> None: ...


def idle(desk: Desk, one: Schedule) -> Worker:
    return Worker(
        desk.client,
        task_queue=one.task_queue,
        workflows=[Idle],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )


async def test_with_jitter_the_same_runs_are_known_again(desk: Desk) -> None:
    """The server starts them later than they are due: each would be started again and again."""
    one = desk.schedule("daily", cron("0 6 * * *", jitter="30m"))
    await desk.apply(one)
    plan = await make_backfill(desk.server, one.name, FIRST, LAST)
    assert [f"{due:%d %H:%M:%S}" for due in plan.due] == [f"{n:02} 06:00:00" for n in range(1, 32)]
    assert await do_backfill(desk.server, plan) == 31
    again = await make_backfill(desk.server, one.name, FIRST, LAST)
    assert (len(again.due), again.missing) == (31, ())


async def test_an_interrupted_one_goes_on_and_doubles_nothing(desk: Desk) -> None:
    """The server goes on with what it was asked; what is asked again meanwhile ran twice."""
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    until = datetime(2024, 3, 31, 23, 59, tzinfo=UTC)
    async with idle(desk, one):
        plan = await make_backfill(desk.server, one.name, FIRST, until)
        first = asyncio.create_task(do_backfill(desk.server, plan))

        async def begun() -> bool:
            return (await desk.found("daily")).info.action_count > 0

        await until_async(begun)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        again = await make_backfill(desk.server, one.name, FIRST, until)
        await do_backfill(desk.server, again)
        query = f"TemporalScheduledById = '{one.name}'"

        async def all_there() -> bool:
            return await _count(desk, query) >= len(plan.due)

        await until_async(all_there)
    runs = Counter([run.id async for run in desk.client.list_workflows(query)])
    assert len(runs) == len(plan.due)
    assert set(runs.values()) == {1}


async def _count(desk: Desk, query: str) -> int:
    return (await desk.client.count_workflows(query)).count


async def test_two_at_once_start_each_run_once(desk: Desk) -> None:
    """Two operators make up for the same night; each sees all of it missing."""
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    plans = [await make_backfill(desk.server, one.name, FIRST, LAST) for _ in range(3)]
    assert {len(plan.missing) for plan in plans} == {31}
    told: list[str] = []
    async with idle(desk, one):
        await asyncio.gather(
            *(do_backfill(desk.server, plan, waiting=lambda: told.append("")) for plan in plans)
        )
    assert len(told) == 2
    assert (await desk.found("daily")).info.action_count == 31
    lease = Lease(desk.server, one.name)
    assert await desk.server.describe(lease.name) is None


async def test_the_turn_of_one_that_was_killed_ends(desk: Desk) -> None:
    """Nobody could make up for anything until somebody deletes by hand what it has left."""
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    killed, next_one, third = (Lease(desk.server, one.name) for _ in range(3))
    assert await killed.take(desk.prefix)
    assert not await next_one.take(desk.prefix)
    left = await desk.server.describe(killed.name)
    assert left is not None
    assert left.mark is not None
    left.proto.state.notes = f"somebody {datetime.now(UTC).isoformat()}"
    await desk.server.update(left, left.proto, left.mark)
    await until_async(lambda: next_one.take(desk.prefix))
    next_one.check()
    assert not await third.take(desk.prefix)
    await killed.leave(done=True)  # it is not its any more
    assert not await third.take(desk.prefix)
    await next_one.leave(done=True)
    await until_async(lambda: third.take(desk.prefix))
    await third.leave(done=True)


async def test_what_is_not_due_yet_is_left_to_the_schedule(desk: Desk) -> None:
    """Tomorrow's run would run now, and tomorrow again."""
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    now = datetime.now(UTC)
    day = timedelta(days=1)
    plan = await make_backfill(desk.server, one.name, now - 3 * day, now + 3 * day)
    assert plan.cut
    assert len(plan.due) in (2, 3)  # one may be due right now
    assert max(plan.due) < now
    ahead = await make_backfill(desk.server, one.name, now + day, now + 3 * day)
    assert (ahead.cut, ahead.due) == (True, ())
    # Also where the span begins with a due time.
    tomorrow = (now + day).replace(hour=6, minute=0, second=0, microsecond=0) + day
    assert (await make_backfill(desk.server, one.name, tomorrow, tomorrow + day)).due == ()
    assert not (await make_backfill(desk.server, one.name, FIRST, LAST)).cut


async def test_runs_under_all_former_names_are_known(desk: Desk) -> None:
    first = desk.schedule("first", cron("0 6 * * *"))
    await desk.apply(first)
    await do_backfill(desk.server, await make_backfill(desk.server, first.name, FIRST, LAST))
    second = desk.schedule("second", cron("0 6 * * *"), renamed_from=first.name)
    await desk.apply(second)
    third = desk.schedule("third", cron("0 6 * * *"), renamed_from=second.name)
    await desk.apply(third)
    # Whoever has renamed everywhere takes the line out some day.
    tidied = desk.schedule("third", cron("0 6 * * *"), owner="anna")
    await desk.apply(tidied)
    plan = await make_backfill(desk.server, third.name, FIRST, LAST)
    assert (len(plan.due), plan.missing) == (31, ())


async def test_a_turn_that_takes_long_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one would begin beside it after half a minute."""
    monkeypatch.setattr(lease, "_FOR", timedelta(seconds=2))
    monkeypatch.setattr(lease, "_RENEW_SECONDS", 0.2)
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    async with lease.alone(desk.server, await desk.found("daily"), lambda: None) as held:
        begun = await desk.server.describe(held.name)
        assert begun is not None

        async def renewed_often() -> bool:
            now = await desk.server.describe(held.name)
            assert now is not None
            ends = [one.proto.state.notes.split()[1] for one in (begun, now)]
            return datetime.fromisoformat(ends[1]) - datetime.fromisoformat(ends[0]) > _LONGER

        await until_async(renewed_often)
        assert not await Lease(desk.server, one.name).take(desk.prefix)
        held.check()


async def test_whoever_stood_still_too_long_starts_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_FOR", timedelta(0))
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    plan = await make_backfill(desk.server, one.name, FIRST, LAST)
    with pytest.raises(ServerError, match="stood still for so long"):
        await do_backfill(desk.server, plan)
    assert (await desk.found("daily")).info.action_count == 0


async def test_all_times_again_are_started_before_it_says_so(desk: Desk) -> None:
    """The runs that are there already look as if they were the new ones."""
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    async with idle(desk, one):
        plan = await make_backfill(desk.server, one.name, FIRST, LAST)
        await do_backfill(desk.server, plan)
        query = f"TemporalScheduledById = '{one.name}' AND ExecutionStatus = 'Completed'"

        async def ended() -> bool:
            return await _count(desk, query) == 31

        await until_async(ended)
        again = await make_backfill(desk.server, one.name, FIRST, LAST, only_missing=False)
        await do_backfill(desk.server, again)
    assert (await desk.found("daily")).info.action_count == 62
