"""Several people and files with one server: none undoes what another has put there."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Schedule as TheirSchedule
from temporalio.client import ScheduleActionStartWorkflow, ScheduleSpec

from musterwerk.schedules import Schedule, cron
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import ScheduleServer
from tests.schedules.server.conftest import Desk


class Counting(ScheduleServer):
    """Counts what is written."""

    writes = 0

    async def create(self, *args: object, **named: object) -> bool:
        self.writes += 1
        return await super().create(*args, **named)  # pyright: ignore[reportArgumentType]

    async def update(self, *args: object, **named: object) -> None:
        self.writes += 1
        await super().update(*args, **named)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("applies", [2, 6])
async def test_the_same_applied_at_once_fails_nobody(desk: Desk, applies: int) -> None:
    """Two pipelines of one commit run side by side; the server answers one question at a time."""
    for hour in (6, 7):
        several = [desk.schedule(f"{n}", cron(f"0 {hour} * * *")) for n in range(8)]
        servers = [Counting(desk.client) for _ in range(applies)]

        async def one(server: Counting, several: list[Schedule] = several) -> list[str]:
            plan = await make_plan(server, desk.declared(*several))
            return [done.flaw for done in await apply_plan(server, plan) if done.flaw]

        assert await asyncio.gather(*map(one, servers)) == [[]] * applies
        assert set((await desk.kinds(*several)).values()) == {"unchanged"}
        # What another has put there is not put there once more, but for races.
        assert sum(server.writes for server in servers) <= len(several) * applies


async def test_a_schedule_of_another_set_is_left_alone(desk: Desk) -> None:
    """Two files that declare one name would take turns."""
    one = desk.schedule("daily", cron("0 6 * * *"))
    await desk.apply(one)
    other = Declaration("other.toml", f"{desk.prefix}-other", (one,))
    (step,) = (await make_plan(desk.server, other)).steps
    assert step.kind == "foreign"
    assert f"it is of the set '{desk.prefix}'" in step.words[0]
    plan = await make_plan(desk.server, other, take_over=True)
    assert [step.words for step in plan.work] == [(f"set: {desk.prefix} -> {other.set_name}",)]
    await apply_plan(desk.server, plan)
    assert await desk.kinds(one) == {"daily": "foreign"}
    assert [step.kind for step in (await make_plan(desk.server, other)).steps] == ["unchanged"]


async def test_a_rename_that_goes_on_deletes_nobody_elses(desk: Desk) -> None:
    """It stopped half-way; meanwhile somebody has used the old name."""
    old = desk.schedule("old", cron("0 6 * * *"))
    await desk.apply(old)
    new = desk.schedule("new", cron("0 6 * * *"), renamed_from=old.name)

    class Stops(ScheduleServer):
        async def delete(self, name: str) -> bool:
            await super().delete(name)
            raise KeyError(name)

    with pytest.raises(KeyError):
        await apply_plan(Stops(desk.client), await desk.plan(new))
    action = ScheduleActionStartWorkflow("Theirs", id="x", task_queue="nobody")
    await desk.client.create_schedule(old.name, TheirSchedule(action=action, spec=ScheduleSpec()))
    assert await desk.kinds(new) == {"new": "rename"}
    await desk.apply(new)
    assert await desk.kinds(new) == {"new": "unchanged"}
    assert not (await desk.found("old")).ours
