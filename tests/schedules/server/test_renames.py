"""Whatever happens to a file between two applies, one schedule fires, and no run comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import (
    Schedule as TheirSchedule,
)
from temporalio.client import (
    ScheduleActionStartWorkflow,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from musterwerk.errors import ScheduleRefused
from musterwerk.schedules import Schedule, control, cron
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.planning import make_end, make_plan
from musterwerk.schedules.server import ScheduleServer
from tests.schedules.server.conftest import Desk
from tests.waiting import until_async

DAILY = cron("0 6 * * *")


async def _there(desk: Desk) -> set[str]:
    """The names of all that can fire; a list may be some moments old."""
    found = {short: await desk.server.describe(desk.name(short)) for short in desk.used}
    return {short for short, one in found.items() if one and not one.proto.state.paused}


async def _listed(desk: Desk, *names: str) -> None:
    async def there() -> bool:
        listed = {name async for name in desk.server.names() if name.startswith(desk.prefix)}
        return listed == {desk.name(name) for name in names}

    await until_async(there)


class _Stops(ScheduleServer):
    """As if it died after the new one was there, and before the old one is gone."""

    async def delete(self, name: str) -> bool:
        raise asyncio.CancelledError


async def _half_renamed(desk: Desk) -> tuple[Schedule, Schedule]:
    old = desk.schedule("old", DAILY)
    new = desk.schedule("new", DAILY, renamed_from=old.name)
    await desk.apply(old)
    with suppress(asyncio.CancelledError):
        await apply_plan(_Stops(desk.client), await desk.plan(new))
    await _listed(desk, "old", "new")
    assert await _there(desk) == {"old"}
    return old, new


async def test_a_file_rolled_back_and_forward_leaves_one(desk: Desk) -> None:
    """Each deployment back would leave a second one, and everything would run twice."""
    old = desk.schedule("old", DAILY)
    new = desk.schedule("new", DAILY, renamed_from=old.name)
    newest = desk.schedule("newest", DAILY, renamed_from=new.name)
    for one in (old, new, newest, old, newest, new, old, new):
        await desk.apply(one)
        short = one.name.removeprefix(f"{desk.prefix}-")
        assert await _there(desk) == {short}
        assert await desk.kinds(one) == {short: "unchanged"}
        await _listed(desk, short)


async def test_an_old_name_that_is_still_there_goes(desk: Desk) -> None:
    old, new = desk.schedule("old", DAILY), desk.schedule("new", DAILY)
    await desk.apply(old, new)
    renamed = desk.schedule("new", DAILY, renamed_from=old.name)
    (step,) = (await desk.plan(renamed)).work
    assert (step.kind, step.words) == ("rename", (f"{old.name} is still there",))
    await desk.apply(renamed)
    assert await _there(desk) == {"new"}


async def _forgotten(desk: Desk, old: Schedule, new: Schedule) -> Schedule:
    """Somebody has taken out the line with the old name, for the new one was to be seen."""
    return new.model_copy(update={"renamed_from": None})


async def _rolled_back(desk: Desk, old: Schedule, new: Schedule) -> Schedule:
    return old


async def _again(desk: Desk, old: Schedule, new: Schedule) -> Schedule:
    return new


@pytest.mark.parametrize("what", [_forgotten, _rolled_back, _again])
async def test_a_rename_cut_off_ends_as_one(
    desk: Desk, what: Callable[[Desk, Schedule, Schedule], Awaitable[Schedule]]
) -> None:
    wanted = await what(desk, *await _half_renamed(desk))
    await desk.apply(wanted)
    short = wanted.name.removeprefix(f"{desk.prefix}-")
    assert await _there(desk) == {short}
    await _listed(desk, short)


async def test_what_is_half_renamed_cannot_be_let_go(desk: Desk) -> None:
    _, new = await _half_renamed(desk)
    with pytest.raises(ScheduleRefused, match="is being renamed"):
        await control.unpause(desk.server, new.name)
    assert await _there(desk) == {"old"}


async def test_destroy_also_ends_the_half_that_is_left(desk: Desk) -> None:
    _, new = await _half_renamed(desk)
    await apply_plan(desk.server, await make_end(desk.server, desk.declared(new)))
    await _listed(desk)


async def _over(desk: Desk, one: Schedule) -> None:
    """As the server does some days after the last run."""
    await desk.server.delete(one.name)

    async def gone() -> bool:
        return await desk.server.describe(one.name) is None

    await until_async(gone)


async def test_what_is_over_begins_again_under_no_other_name(desk: Desk) -> None:
    one = desk.schedule("once", DAILY, runs=1)
    await desk.apply(one)
    await _over(desk, one)
    other = desk.schedule("other", DAILY, runs=1, renamed_from=one.name)
    assert await desk.kinds(other) == {"other": "finished"}
    await desk.apply(other)
    third = desk.schedule("third", DAILY, runs=1, renamed_from=other.name)
    assert await desk.kinds(third) == {"third": "finished"}


async def test_what_is_over_begins_again_in_no_other_set(desk: Desk) -> None:
    one, stays = desk.schedule("once", DAILY, runs=1), desk.schedule("stays", DAILY, runs=2)
    await desk.apply(one, stays)
    await _over(desk, one)
    moved = replace(desk.declared(one), set_name=desk.prefix + "x")
    assert [step.kind for step in (await make_plan(desk.server, moved)).steps] == ["finished"]
    # Nor is it forgotten when other schedules of its set are destroyed.
    await apply_plan(desk.server, await make_end(desk.server, desk.declared(stays)))
    assert await desk.kinds(one, stays) == {"once": "finished", "stays": "create"}
    await apply_plan(desk.server, await make_end(desk.server, desk.declared(one)))
    assert await desk.kinds(one) == {"once": "create"}


async def test_two_applies_at_once_both_remember(desk: Desk) -> None:
    several = [desk.schedule(f"once-{number}", DAILY, runs=1) for number in range(4)]
    plans = [await desk.plan(*several[:2]), await desk.plan(*several[2:])]
    await asyncio.gather(*(apply_plan(desk.server, plan) for plan in plans))
    for one in several:
        await _over(desk, one)
    assert set((await desk.kinds(*several)).values()) == {"finished"}


async def _by_hand(desk: Desk, one: Schedule, change: Callable[[TheirSchedule], None]) -> None:
    def changed(given: ScheduleUpdateInput) -> ScheduleUpdate:
        change(given.description.schedule)
        return ScheduleUpdate(schedule=given.description.schedule)

    before = await desk.found(one.name.removeprefix(f"{desk.prefix}-"))
    await desk.client.get_schedule_handle(one.name).update(changed)

    async def done() -> bool:
        found = await desk.server.describe(one.name)
        return found is not None and found.token != before.token

    await until_async(done)


async def test_a_number_of_runs_that_somebody_lifted_is_put_back(desk: Desk) -> None:
    one = desk.schedule("three", DAILY, runs=3)
    await desk.apply(one)

    def lift(found: TheirSchedule) -> None:
        found.state.limited_actions = False
        found.state.remaining_actions = 0

    await _by_hand(desk, one, lift)
    (step,) = (await desk.plan(one)).work
    assert step.words == ("runs was changed by hand: now without end",)
    await desk.apply(one)
    state = (await desk.found("three")).proto.state
    assert (state.limited_actions, state.remaining_actions) == (True, 3)


async def test_what_was_changed_by_hand_still_belongs_to_its_set(desk: Desk) -> None:
    """Another file would destroy it, or take it for nobody's."""
    one = desk.schedule("daily", DAILY)
    await desk.apply(one)

    def change(found: TheirSchedule) -> None:
        found.action = ScheduleActionStartWorkflow("Other", id="x", task_queue="nobody")
        found.policy.catchup_window = timedelta(days=1)

    await _by_hand(desk, one, change)
    elsewhere = replace(desk.declared(one), set_name=desk.prefix + "x")
    (step,) = (await make_plan(desk.server, elsewhere)).steps
    assert step.kind == "foreign"
    assert f"it is of the set {desk.prefix!r}" in step.words[0]
    (step,) = (await make_end(desk.server, elsewhere)).steps
    assert step.kind == "foreign"
    other = desk.schedule("other", DAILY)
    assert await desk.kinds(other, prune=True) == {"other": "create", "daily": "delete"}
