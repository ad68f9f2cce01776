"""What activities set going in their loop and leave behind, and what never comes to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Self

import pytest
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RetryPolicy
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.exceptions import ActivityError

from musterwerk.testing import Outcome, Simulator, explore
from musterwerk.testing.simulator.decisions import Attempt, Natural, Start

MINUTE = timedelta(minutes=1)


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


@workflow.defn
class Twice:
    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.execute_activity(
                "slow", start_to_close_timeout=MINUTE, retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except ActivityError:
            await workflow.execute_activity("repeats", start_to_close_timeout=MINUTE)


async def _for_ever() -> None:
    await asyncio.Event().wait()


class Slow(PayloadCodec):
    """Has to be asked in a loop."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        await asyncio.sleep(0)
        return list(payloads)


class Leaves:
    """Activities that answer at once and have something done later; `seen` has when, in minutes."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.arrived = False
        self.written: list[str] = []

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
        self.written.append("repeats")
        return "done"

    @activity.defn
    async def waits(self) -> str:
        self.tasks.append(asyncio.create_task(_for_ever()))
        return "done"

    @activity.defn
    async def goes_on(self) -> str:
        async def later() -> None:
            for hours in (48, 1):
                await asyncio.sleep(hours * 3600)
                self.note()

        self.tasks.append(asyncio.create_task(later()))
        return "done"

    @activity.defn
    async def slow(self) -> str:
        await asyncio.sleep(1)
        self.written.append("slow")
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
        return [
            self.timer, self.task, self.repeats, self.waits, self.goes_on, self.slow,
            self.changes_its_mind, self.yields,
        ]  # fmt: skip


def ran(name: str, hours: int, simulator: Simulator) -> tuple[Leaves, Any]:
    world = Leaves()
    return world, simulator.run(Calls.run, name, hours, activities=world.activities())


@pytest.fixture(scope="module")
def simulator() -> Any:
    with Simulator(workflows=[Calls, Twice]) as simulator:
        yield simulator


@pytest.mark.parametrize("name", ["timer", "task"])
@pytest.mark.parametrize("hours", [0, 5])
def test_it_happens_in_its_time(name: str, hours: int, simulator: Simulator) -> None:
    """Whether the workflow is over by then or not."""
    world, outcome = ran(name, hours, simulator)
    assert (outcome.status, outcome.stopped) == ("completed", None)
    assert world.seen == [30]


@pytest.mark.parametrize("hours", [0, 10 * 24])
def test_what_repeats_itself_happens_a_thousand_times(hours: int, simulator: Simulator) -> None:
    world, outcome = ran("repeats", hours, simulator)
    assert (outcome.status, outcome.result) == ("completed", "done")
    assert outcome.duration == timedelta(hours=hours)
    assert world.seen[:1000] == [float(minute) for minute in range(1, 1001)]
    assert len(world.seen) <= 1001


@pytest.mark.parametrize("name", ["repeats", "waits"])
def test_it_is_none_of_the_next_runs_business(name: str, simulator: Simulator) -> None:
    first, _ = ran(name, 0, simulator)
    seen = len(first.seen)
    assert not first.tasks[0].done(), "it has tidied up before anybody could look"
    second, outcome = ran("timer", 48, simulator)
    assert outcome.status == "completed"
    assert len(first.seen) == seen
    assert second.seen == [30]
    assert first.tasks[0].cancelled()


def test_it_comes_in_its_time_and_order_however_late(simulator: Simulator) -> None:
    world, outcome = ran("goes_on", 10 * 24, simulator)
    assert outcome.status == "completed"
    assert world.seen == [48 * 60, 49 * 60]


class Held(Natural):
    """Keeps back the slow activity, as a call that arrives late."""

    def attempt_starts(self, attempt: Attempt) -> Start:
        return Start(held=attempt.activity_type == "slow")


def test_what_is_held_back_comes_before_what_never_ends(simulator: Simulator) -> None:
    world = Leaves()
    outcome = simulator.run(
        Twice.run, activities=world.activities(), decisions=Held(), linger=timedelta(hours=1)
    )
    assert outcome.status == "completed"
    assert world.written == ["repeats", "slow"]


class Shop(Leaves):
    """Somebody who waits for a parcel keeps the door open, and shuts it when the shop closes."""

    def __enter__(self) -> Self:
        self.parcel = asyncio.Event()
        self.open = False
        return self

    def __exit__(self, *_: object) -> None: ...

    @activity.defn
    async def listen(self) -> str:
        async def waiting() -> None:
            self.open = True
            try:
                await self.parcel.wait()
            finally:
                self.open = False

        self.tasks.append(asyncio.create_task(waiting()))
        return "done"

    def activities(self) -> list[Callable[..., Any]]:
        return [self.listen]


class MergingShop(Shop):
    def state(self) -> object:
        return self.open


@pytest.mark.parametrize("world", [Shop, MergingShop])
async def test_an_invariant_sees_what_is_left_before_it_tidies_up(world: type[Shop]) -> None:
    def shut(shop: Shop, _: Outcome) -> None:
        assert not shop.open

    report = await explore(Calls.run, "listen", 0, world=world, invariants=[shut], max_faults=0)
    assert not report.ok


async def test_runs_with_somebody_who_still_waits_are_not_merged() -> None:
    def one_waits(shop: Shop, _: Outcome) -> None:
        assert len(shop.tasks) < 2

    report = await explore(
        Calls.run,
        "listen",
        1,
        world=MergingShop,
        invariants=[one_waits],
        max_faults=1,
        cancel=False,
    )
    assert report.counterexample is not None
    assert not report.pruned.get("equal state")


def test_a_codec_that_waits_may_be_asked_for_ever() -> None:
    converter = DataConverter(payload_codec=Slow())
    with Simulator(workflows=[Calls], data_converter=converter) as simulator:
        for _ in range(200):
            _, outcome = ran("timer", 0, simulator)
            assert outcome.result == "done"


def test_a_timer_that_was_called_off_leaves_nothing(simulator: Simulator) -> None:
    world, outcome = ran("changes_its_mind", 0, simulator)
    assert outcome.status == "completed"
    assert world.seen == []
    assert not simulator._loop.leaves_work()  # pyright: ignore[reportPrivateUsage]


def test_who_only_yields_does_not_keep_time_from_going_on(simulator: Simulator) -> None:
    world, outcome = ran("yields", 0, simulator)
    assert outcome.result == "seen"
    assert world.seen == [0.5]
