"""Small processes with something at once: activities, timers, children, local steps, a replay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

MINUTE, SOON = timedelta(minutes=1), timedelta(seconds=20)
ONCE, TEN_TIMES = RetryPolicy(maximum_attempts=1), RetryPolicy(maximum_attempts=10)
LATER = RetryPolicy(initial_interval=SOON)


class Diary:
    """Everything that is done, in its order."""

    def __enter__(self) -> Self:
        self.lines: list[str] = []
        self.gate = asyncio.Event()
        self.declined = False
        return self

    def __exit__(self, *_: object) -> None: ...

    @activity.defn
    async def do(self, what: str) -> None:
        self.lines.append(what)

    @activity.defn
    async def pay(self) -> None:
        self.lines.append("pay")

    @activity.defn
    async def pack(self) -> None:
        self.lines.append("pack begins")
        await self.gate.wait()
        self.lines.append("pack ends")

    @activity.defn
    async def open(self) -> None:
        self.lines.append("open")
        self.gate.set()

    @activity.defn
    async def ask(self) -> str:
        """Takes the second call for one that went well."""
        if self.declined:
            return "accepted"
        self.declined = True
        raise ApplicationError("declined", non_retryable=True)

    @activity.defn
    async def charge(self) -> None:
        self.lines.append(f"charge {activity.info().attempt}")

    @activity.defn
    async def ship(self) -> None:
        self.lines.append(f"ship {activity.info().attempt}")

    def activities(self) -> list[Callable[..., Any]]:
        return [self.do, self.pay, self.pack, self.open, self.ask, self.charge, self.ship]

    def all(self) -> object:
        return self.lines, self.declined


class MergingDiary(Diary):
    def state(self) -> object:
        return self.all()


async def pay_or_not() -> None:
    try:
        await workflow.execute_activity("pay", start_to_close_timeout=MINUTE, retry_policy=ONCE)
    except ActivityError:
        return


async def do(what: str) -> None:
    await workflow.execute_activity("do", what, start_to_close_timeout=MINUTE)


@workflow.defn
class Child:
    @workflow.run
    async def run(self) -> None:
        await do("child")


@workflow.defn
class WithAChild:
    @workflow.run
    async def run(self) -> None:
        await pay_or_not()
        await do("parent")
        await workflow.execute_child_workflow(Child.run, id="child")
        await do("end")


@workflow.defn
class SideBySide:
    @workflow.run
    async def run(self) -> None:
        await pay_or_not()
        await asyncio.gather(do("left"), do("right"))


@workflow.defn
class Gated:
    """The packing waits for who opens."""

    @workflow.run
    async def run(self) -> None:
        await pay_or_not()
        await asyncio.gather(
            workflow.execute_activity("pack", start_to_close_timeout=MINUTE),
            workflow.execute_activity("open", start_to_close_timeout=MINUTE),
        )


@workflow.defn
class Sleeper:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(60)


@workflow.defn
class Timers:
    """Two timers of its own, due with that of a child."""

    @workflow.run
    async def run(self) -> list[int]:
        fired: list[int] = []

        async def wait(number: int) -> None:
            await workflow.sleep(60)
            fired.append(number)

        child = await workflow.start_child_workflow(Sleeper.run, id="sleeper")
        await asyncio.gather(wait(1), wait(2))
        await child
        return fired


@workflow.defn
class Asks:
    @workflow.run
    async def run(self) -> str:
        try:
            return await workflow.execute_activity(
                "ask", result_type=str, start_to_close_timeout=MINUTE
            )
        except ActivityError:
            return "declined"


@workflow.defn
class TriesTenTimes:
    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.execute_activity(
                "pay", start_to_close_timeout=MINUTE, retry_policy=TEN_TIMES
            )
        except ActivityError:
            return "not paid"
        return "paid"


@workflow.defn
class Replays:
    """It goes another way if it was replayed, and only after a slow step."""

    @workflow.run
    async def run(self) -> None:
        replayed, began = workflow.unsafe.is_replaying(), workflow.now()
        await do("first")
        slow = workflow.now() - began > timedelta(seconds=30)
        await do("second")
        if replayed and slow:
            await do("third")


@workflow.defn
class Local:
    """Two local steps at once, of which one may be late."""

    @workflow.run
    async def run(self) -> None:
        await asyncio.gather(self._step("charge"), self._step("ship"), return_exceptions=True)

    async def _step(self, name: str) -> None:
        await workflow.execute_local_activity(
            name, start_to_close_timeout=SOON, schedule_to_close_timeout=timedelta(seconds=30),
            retry_policy=LATER,
        )  # fmt: skip


@workflow.defn
class Abandons:
    """Its child is broken, and nobody waits for it."""

    @workflow.run
    async def run(self) -> None:
        await workflow.start_child_workflow(
            Broken.run, parent_close_policy=workflow.ParentClosePolicy.ABANDON
        )


@workflow.defn
class Broken:
    @workflow.run
    async def run(self) -> None:
        raise KeyError("bug")


class DiaryBehind(MergingDiary):
    """It answers first and writes then."""

    @activity.defn(name="pay")
    async def pays_behind(self) -> None:
        self.writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        self.lines.append("pay")

    def activities(self) -> list[Callable[..., Any]]:
        return [self.pays_behind, *super().activities()[:1]]


class DatedDiary(MergingDiary):
    """What it writes depends on when, and on who calls for the first time."""

    def __enter__(self) -> Self:
        self.tokens: set[bytes] = set()
        return super().__enter__()

    @activity.defn(name="pay")
    async def pays_dated(self) -> None:
        token = activity.info().task_token
        again = "again " if token in self.tokens else ""
        self.tokens.add(token)
        self.lines.append(f"pay {again}at {asyncio.get_running_loop().time():.0f}")

    def activities(self) -> list[Callable[..., Any]]:
        return [self.pays_dated, *(one for one in super().activities() if one != self.pay)]

    def all(self) -> object:
        return super().all(), self.tokens


@workflow.defn
class PaysInTime:
    """Between two steps a minute passes, and each is tried as often as it takes."""

    @workflow.run
    async def run(self) -> None:
        await pay_or_not()
        await workflow.execute_activity(
            "pay", start_to_close_timeout=MINUTE, retry_policy=TEN_TIMES
        )
        await workflow.sleep(60)
        await workflow.execute_activity("charge", start_to_close_timeout=MINUTE)
        await do("end")


@workflow.defn
class GivesUpInAll:
    """All attempts together have a minute, so that a timeout is the end."""

    @workflow.run
    async def run(self) -> None:
        try:
            await workflow.execute_activity("pay", schedule_to_close_timeout=MINUTE)
        except ActivityError:
            await do("given up")
