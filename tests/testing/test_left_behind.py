"""What activities set going in their loop and leave behind, and what never comes to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity, workflow

from musterwerk.testing import Simulator

MINUTE = timedelta(minutes=1)
DAY_IN_MINUTES = 24 * 60


@workflow.defn
class Calls:
    """One activity, and then a rest of some hours."""

    @workflow.run
    async def run(self, name: str, hours: int) -> str:
        answer = await workflow.execute_activity(
            name, result_type=str, start_to_close_timeout=MINUTE
        )
        await workflow.sleep(timedelta(hours=hours))
        return answer


class Leaves:
    """Activities that answer at once and have something done later; `seen` has when, in minutes."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.arrived = False

    def note(self) -> None:
        self.seen.append(asyncio.get_running_loop().time() / 60)

    @activity.defn
    async def timer(self) -> str:
        asyncio.get_running_loop().call_later(1800, self.note)
        return "done"

    @activity.defn
    async def task(self) -> str:
        async def later() -> None:
            await asyncio.sleep(1800)
            self.note()

        self.tasks.append(asyncio.create_task(later()))
        return "done"

    @activity.defn
    async def repeats(self) -> str:
        async def for_ever() -> None:
            while True:
                await asyncio.sleep(60)
                self.note()

        self.tasks.append(asyncio.create_task(for_ever()))
        return "done"

    @activity.defn
    async def changes_its_mind(self) -> str:
        asyncio.get_running_loop().call_later(1800, self.note).cancel()
        return "done"

    @activity.defn
    async def yields(self) -> str:
        """Waits in the worst of ways for what comes in half a minute."""
        asyncio.get_running_loop().call_later(30, setattr, self, "arrived", True)
        while not self.arrived:  # noqa: ASYNC110 - the point
            await asyncio.sleep(0)
        self.note()
        return "seen"

    def activities(self) -> list[Callable[..., Any]]:
        return [self.timer, self.task, self.repeats, self.changes_its_mind, self.yields]


def ran(name: str, hours: int, simulator: Simulator) -> tuple[Leaves, Any]:
    world = Leaves()
    return world, simulator.run(Calls.run, name, hours, activities=world.activities())


@pytest.fixture(scope="module")
def simulator() -> Any:
    with Simulator(workflows=[Calls]) as simulator:
        yield simulator


@pytest.mark.parametrize("name", ["timer", "task"])
@pytest.mark.parametrize("hours", [0, 5])
def test_it_happens_in_its_time(name: str, hours: int, simulator: Simulator) -> None:
    """Whether the workflow is over by then or not."""
    world, outcome = ran(name, hours, simulator)
    assert (outcome.status, outcome.stopped) == ("completed", None)
    assert world.seen == [30]


@pytest.mark.parametrize("hours", [0, 10 * 24])
def test_what_repeats_itself_happens_for_a_day_after_all_else(
    hours: int, simulator: Simulator
) -> None:
    world, outcome = ran("repeats", hours, simulator)
    assert (outcome.status, outcome.result) == ("completed", "done")
    assert outcome.duration == timedelta(hours=hours)
    assert len(world.seen) in range(DAY_IN_MINUTES, 2 * DAY_IN_MINUTES + 2)


def test_it_is_none_of_the_next_runs_business(simulator: Simulator) -> None:
    first, _ = ran("repeats", 0, simulator)
    seen = len(first.seen)
    second, outcome = ran("timer", 48, simulator)
    assert outcome.status == "completed"
    assert len(first.seen) == seen
    assert second.seen == [30]
    assert first.tasks[0].cancelled()


def test_a_timer_that_was_called_off_leaves_nothing(simulator: Simulator) -> None:
    world, outcome = ran("changes_its_mind", 0, simulator)
    assert outcome.status == "completed"
    assert world.seen == []
    assert not simulator._loop.leaves_work()  # pyright: ignore[reportPrivateUsage]


def test_who_only_yields_does_not_keep_time_from_going_on(simulator: Simulator) -> None:
    world, outcome = ran("yields", 0, simulator)
    assert outcome.result == "seen"
    assert world.seen == [0.5]
