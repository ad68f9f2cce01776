"""What is declared comes to be, stays as people have left it, and hits nobody else."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.api.schedule.v1 import Schedule as ScheduleProto
from temporalio.client import (
    Schedule as TheirSchedule,
)
from temporalio.client import (
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from musterwerk.schedules import Retry, at, control, cron, every
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import ScheduleServer
from tests.schedules.server.conftest import Desk
from tests.waiting import until_async

BERLIN = "Europe/Berlin"


async def test_a_second_apply_writes_nothing(desk: Desk) -> None:
    several = [
        desk.schedule(
            "full",
            cron("0 6 * * MON-FRI", "@monthly", tz=BERLIN, business_days="DE-BY", dst="once"),
            args=["daily", {"deep": [1, 2.5, None]}],
            overlap="buffer_one",
            catch_up="2h",
            pause_on_failure=True,
            run_timeout="10m",
            retry=Retry(maximum_attempts=3, maximum_interval=timedelta(minutes=1)),
            memo={"team": "finance"},
            owner="anna",
            note="asks nobody",
        ),
        desk.schedule("interval", every("5m", phase="1m", jitter="10s")),
    ]
    assert set((await desk.kinds(*several)).values()) == {"create"}
    assert len(await desk.apply(*several)) == 2
    assert set((await desk.kinds(*several)).values()) == {"unchanged"}
    assert await desk.apply(*several) == []
    assert (await desk.found("full")).proto.state.notes == "asks nobody"


async def test_a_change_says_what_differs_and_keeps_what_runs(desk: Desk) -> None:
    """A deployment would start again what an operator has stopped at night."""
    before = desk.schedule("daily", cron("0 6 * * *", tz=BERLIN), runs=5)
    await desk.apply(before)
    await control.pause(desk.server, before.name, "maintenance")
    after = desk.schedule("daily", cron("0 7 * * *", tz=BERLIN), runs=7, overlap="allow_all")
    (step,) = (await desk.plan(after)).work
    assert set(step.words) == {
        "cron: 0 6 * * * -> 0 7 * * *",
        "overlap: skip -> allow_all",
        "runs: 5 -> 7",
    }
    await desk.apply(after)
    found = await desk.found("daily")
    state = found.proto.state
    assert (state.paused, state.notes, state.remaining_actions) == (True, "maintenance", 7)
    assert found.proto.spec.structured_calendar[0].hour[0].start == 7


async def test_what_somebody_changed_by_hand_is_named_and_mended(desk: Desk) -> None:
    one = desk.schedule("daily", cron("0 6 * * *"), args=["daily"])
    await desk.apply(one)
    theirs = desk.client.get_schedule_handle(one.name)

    def by_hand(given: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = given.description.schedule
        schedule.spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))])
        return ScheduleUpdate(schedule=schedule)

    await theirs.update(by_hand)

    async def drifted() -> bool:
        return await desk.kinds(one) == {"daily": "mend"}

    await until_async(drifted)
    (step,) = (await desk.plan(one)).work
    assert step.words == ("when was changed by hand",)
    await desk.apply(one)
    assert await desk.kinds(one) == {"daily": "unchanged"}


async def test_an_action_put_there_by_hand_is_mended_too(desk: Desk) -> None:
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    other = ScheduleActionStartWorkflow("Other", id="x", task_queue="nobody")

    def by_hand(given: ScheduleUpdateInput) -> ScheduleUpdate:
        given.description.schedule.action = other
        return ScheduleUpdate(schedule=given.description.schedule)

    await desk.client.get_schedule_handle(one.name).update(by_hand)

    async def drifted() -> bool:
        return await desk.kinds(one) == {"daily": "mend"}

    await until_async(drifted)
    await desk.apply(one)
    assert (await desk.found("daily")).proto.action.start_workflow.workflow_type.name == "Idle"


async def test_what_is_deleted_by_hand_comes_back(desk: Desk) -> None:
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    await desk.client.get_schedule_handle(one.name).delete()

    async def gone() -> bool:
        return await desk.kinds(one) == {"daily": "create"}

    await until_async(gone)
    await desk.apply(one)
    assert await desk.kinds(one) == {"daily": "unchanged"}


async def test_what_is_not_ours_is_left_alone(desk: Desk) -> None:
    """Another team's schedule of the same name would be gone."""
    one, two = desk.schedule("theirs", cron("0 6 * * *")), desk.schedule("ours", cron("0 6 * * *"))
    action = ScheduleActionStartWorkflow("Theirs", id="x", task_queue="nobody")
    await desk.client.create_schedule(one.name, TheirSchedule(action=action, spec=ScheduleSpec()))
    before: ScheduleProto = (await desk.found("theirs")).proto
    assert await desk.kinds(one, two) == {"theirs": "foreign", "ours": "create"}
    await desk.apply(one, two, prune=True)
    assert (await desk.found("theirs")).proto == before
    assert await desk.kinds(one, two) == {"theirs": "foreign", "ours": "unchanged"}


async def test_only_prune_deletes_and_only_of_its_own_set(desk: Desk) -> None:
    one, two = desk.schedule("one", cron("0 6 * * *")), desk.schedule("two", cron("0 6 * * *"))
    await desk.apply(one, two)
    others = Desk(desk.server, desk.prefix + "x")
    await others.apply(others.schedule("three", cron("0 6 * * *")))

    async def listed() -> bool:
        names = {name async for name in desk.server.names()}
        return {one.name, two.name, others.name("three")} <= names

    await until_async(listed)
    assert await desk.kinds(one) == {"one": "unchanged"}
    assert await desk.kinds(one, prune=True) == {"one": "unchanged", "two": "delete"}
    await desk.apply(one, prune=True)
    assert await desk.server.describe(two.name) is None
    assert (await others.found("three")).ours


async def test_two_applies_at_once_end_as_one_of_them(desk: Desk) -> None:
    """Half of one and half of the other would be there, or one would say done and not be."""
    first = desk.schedule("daily", cron("0 6 * * *"), overlap="allow_all")
    await desk.apply(first)
    six = desk.schedule("daily", cron("0 8 * * *"), overlap="skip", owner="six")
    seven = desk.schedule("daily", cron("0 9 * * *"), overlap="buffer_all", owner="seven")
    plans = [await desk.plan(one) for one in (six, seven)]
    await asyncio.gather(*(apply_plan(desk.server, plan) for plan in plans))
    found = await desk.found("daily")
    assert found.mark is not None
    winner = found.mark.declared
    assert winner in (six, seven)
    assert await desk.kinds(winner) == {"daily": "unchanged"}


async def test_a_rename_keeps_how_it_stands_and_goes_on_where_it_stopped(desk: Desk) -> None:
    old = desk.schedule("old", cron("0 6 * * *"), runs=5)
    await desk.apply(old)
    await control.pause(desk.server, old.name, "maintenance")
    new = desk.schedule("new", cron("0 6 * * *"), runs=5, renamed_from=old.name)
    plan = await desk.plan(new)
    assert [(step.kind, step.words) for step in plan.work] == [
        ("rename", (f"{old.name} -> {new.name}",))
    ]

    class Stops(ScheduleServer):
        """As if it died after the new one was there."""

        async def delete(self, name: str) -> bool:
            raise asyncio.CancelledError

    with suppress(asyncio.CancelledError):
        await apply_plan(Stops(desk.client), plan)
    assert (await desk.found("new")).proto.state.paused
    assert await desk.kinds(new) == {"new": "rename"}
    await desk.apply(new)
    state = (await desk.found("new")).proto.state
    assert (state.paused, state.notes, state.remaining_actions) == (True, "maintenance", 5)
    assert await desk.server.describe(old.name) is None
    assert await desk.kinds(new) == {"new": "unchanged"}


async def test_what_has_had_all_its_runs_does_not_begin_again(desk: Desk) -> None:
    """The server forgets what is over after some days; the next deployment would pay again."""
    one = desk.schedule("three-times", cron("0 6 * * *"), runs=3)
    await desk.apply(one)
    await desk.server.delete(one.name)  # as the server does, when it is over

    async def finished() -> bool:
        return await desk.kinds(one) == {"three-times": "finished"}

    await until_async(finished)
    past = desk.schedule("past", at(datetime(2026, 1, 1, tzinfo=UTC)))
    assert await desk.kinds(past) == {"past": "finished"}
    assert await desk.apply(one, past) == []


async def test_what_is_spelled_out_is_told_for_longer_in_time(desk: Desk) -> None:
    one = desk.schedule("daily", cron("0 6 * * *", business_days="DE"))
    await desk.apply(one)
    now = datetime.now(UTC)
    later = datetime(now.year + 2, 6, 1, tzinfo=UTC)
    plan = await make_plan(desk.server, desk.declared(one), now=later)
    assert [step.kind for step in plan.work] == ["extend"]
    await apply_plan(desk.server, plan)
    again = await make_plan(desk.server, desk.declared(one), now=later)
    assert again.work == ()
