"""Whatever happens to a file between two applies, one schedule fires, and no run comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.api.schedule.v1 import Schedule as ScheduleProto
from temporalio.client import (
    Client,
    ScheduleActionStartWorkflow,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.client import (
    Schedule as TheirSchedule,
)

from musterwerk.errors import ScheduleRefused, UsageError
from musterwerk.schedules import Schedule, control, cron
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.planning import make_end, make_plan
from musterwerk.schedules.server import Described, ScheduleServer
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


class _Dies(ScheduleServer):
    """As if it were killed before so many writes and one more."""

    def __init__(self, client: Client, writes: int) -> None:
        super().__init__(client)
        self._left = writes

    def _writes(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise asyncio.CancelledError

    async def create(self, name: str, proto: ScheduleProto, mark: Mark) -> bool:
        self._writes()
        return await super().create(name, proto, mark)

    async def update(self, was: Described, proto: ScheduleProto, mark: Mark) -> Described | None:
        self._writes()
        return await super().update(was, proto, mark)

    async def delete(self, name: str) -> bool:
        self._writes()
        return await super().delete(name)


async def _cut(desk: Desk, writes: int, *schedules: Schedule) -> None:
    with suppress(asyncio.CancelledError):
        await apply_plan(_Dies(desk.client, writes), await desk.plan(*schedules))


async def _half_renamed(desk: Desk) -> tuple[Schedule, Schedule]:
    """All writes are done but the last two: both are held, and the old one is to be deleted."""
    old = desk.schedule("old", DAILY)
    new = desk.schedule("new", DAILY, renamed_from=old.name)
    await desk.apply(old)
    await _cut(desk, 3, new)
    await _listed(desk, "old", "new")
    assert await _there(desk) == set()
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
    assert (step.kind, step.words) == ("rename", (f"{old.name} -> {renamed.name}",))
    await desk.apply(renamed)
    assert await _there(desk) == {"new"}


@pytest.mark.parametrize("writes", range(6))
@pytest.mark.parametrize("then", ["old", "new", "newest", "forgotten"])
async def test_a_rename_cut_off_anywhere_ends_as_one(desk: Desk, writes: int, then: str) -> None:
    """By whichever file comes next: an older one, the same, a newer one, or one in which the line
    with the old name has been taken out."""
    old = desk.schedule("old", DAILY, runs=9)
    new = desk.schedule("new", DAILY, runs=9, renamed_from=old.name)
    newest = desk.schedule("newest", DAILY, runs=9, renamed_from=new.name)
    files = {
        "old": old,
        "new": new,
        "newest": newest,
        "forgotten": new.model_copy(update={"renamed_from": None}),
    }
    await desk.apply(old)
    await _cut(desk, writes, new)
    assert len(await _there(desk)) <= 1
    wanted = files[then]
    if writes == 0 and then in ("newest", "forgotten"):
        return  # nothing says that it was the old one
    await desk.apply(wanted)
    short = wanted.name.removeprefix(f"{desk.prefix}-")
    assert await _there(desk) == {short}
    await _listed(desk, short)
    assert (await desk.found(short)).proto.state.remaining_actions == 9
    assert await desk.kinds(wanted) == {short: "unchanged"}


async def test_there_and_back_and_on_under_a_third_name(desk: Desk) -> None:
    old = desk.schedule("old", DAILY)
    new = desk.schedule("new", DAILY, renamed_from=old.name)
    newest = desk.schedule("newest", DAILY, renamed_from=new.name)
    for one in (old, new, old):
        await desk.apply(one)
    await control.pause(desk.server, old.name, "stocktaking")
    await desk.apply(newest)
    state = (await desk.found("newest")).proto.state
    assert (state.paused, state.notes) == (True, "stocktaking")
    await _listed(desk, "newest")


@pytest.mark.parametrize("writes", range(1, 6))
async def test_who_stops_the_old_one_meanwhile_stops_it(desk: Desk, writes: int) -> None:
    """A deployment that goes on would let go what somebody has stopped at night."""
    old = desk.schedule("old", DAILY)
    new = desk.schedule("new", DAILY, renamed_from=old.name)
    await desk.apply(old)
    await _cut(desk, writes, new)
    refused = 0
    for one in (old, new):
        try:
            await control.pause(desk.server, one.name, "stop")
        except (ScheduleRefused, UsageError):
            refused += 1
    await desk.apply(new)
    state = (await desk.found("new")).proto.state
    assert state.paused == (refused < 2)
    assert await desk.server.describe(old.name) is None


async def test_a_plan_that_is_old_deletes_nothing_that_is_new(desk: Desk) -> None:
    """Somebody looks at a question for a minute, and answers yes."""
    one, two = desk.schedule("one", DAILY), desk.schedule("two", DAILY)
    await desk.apply(one, two)
    await _listed(desk, "one", "two")
    plan = await desk.plan(one, prune=True)
    assert [step.kind for step in plan.work] == ["delete"]
    await desk.apply(desk.schedule("two", DAILY, owner="anna"))
    (done,) = await apply_plan(desk.server, plan)
    assert "changed meanwhile" in done.flaw
    assert (await desk.found("two")).ours


async def test_what_another_set_has_made_of_the_old_name_stays(desk: Desk) -> None:
    old = desk.schedule("old", DAILY)
    new = desk.schedule("new", DAILY, renamed_from=old.name)
    await desk.apply(old)
    await _cut(desk, 4, new)
    assert await desk.server.describe(old.name) is None
    other = replace(desk.declared(old), set_name=desk.prefix + "x")
    await apply_plan(desk.server, await make_plan(desk.server, other))
    await desk.apply(new)
    assert await _there(desk) == {"old", "new"}
    assert (await desk.found("old")).set_name == desk.prefix + "x"


async def test_what_is_half_renamed_cannot_be_let_go(desk: Desk) -> None:
    _, new = await _half_renamed(desk)
    with pytest.raises(ScheduleRefused, match="is being renamed"):
        await control.unpause(desk.server, new.name)
    with pytest.raises(ScheduleRefused, match="is being renamed"):
        await control.pause(desk.server, new.name)
    assert await _there(desk) == set()


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
