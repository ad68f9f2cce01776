"""Workflows of the conformance suite: each shows one kind of behaviour."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import ActivityCancellationType as Cancel

from tests.testing.conformance.activities import (
    Greeter,
    beats_then_hangs,
    delays_its_retry,
    fails_until,
    goes_on_from_heartbeat,
    greet,
    greet_synchronously,
    refuses,
    takes,
    waits_to_be_cancelled,
)

SOON = timedelta(milliseconds=20)
SECOND = timedelta(seconds=1)
LONG = timedelta(seconds=30)
QUICKLY = RetryPolicy(initial_interval=SOON, backoff_coefficient=1)
ONCE = RetryPolicy(maximum_attempts=1)


@workflow.defn
class Calls:
    """One call of an activity, with options by name."""

    @workflow.run
    async def run(self, what: str) -> Any:
        call = workflow.execute_activity
        if what == "async":
            return await call(greet, "Ada", start_to_close_timeout=LONG)
        if what == "sync":
            return await call(greet_synchronously, "Ada", start_to_close_timeout=LONG)
        if what == "method":
            return await workflow.execute_activity_method(
                Greeter.greet_with, "Ada", start_to_close_timeout=LONG
            )
        if what == "retried":
            return await call(fails_until, 3, start_to_close_timeout=LONG, retry_policy=QUICKLY)
        if what == "exhausted":
            policy = RetryPolicy(initial_interval=SOON, maximum_attempts=2)
            return await call(fails_until, 3, start_to_close_timeout=LONG, retry_policy=policy)
        if what == "refused":
            return await call(refuses, start_to_close_timeout=LONG)
        if what == "not for this":
            policy = RetryPolicy(initial_interval=SOON, non_retryable_error_types=["ValueError"])
            return await call(fails_until, 3, start_to_close_timeout=LONG, retry_policy=policy)
        if what == "own delay":
            return await call(delays_its_retry, start_to_close_timeout=LONG)
        if what == "heartbeat details":
            return await call(
                goes_on_from_heartbeat, start_to_close_timeout=LONG, retry_policy=QUICKLY
            )
        if what == "start to close":
            return await call(takes, 2, start_to_close_timeout=SECOND / 2, retry_policy=ONCE)
        if what == "start to close, again":
            policy = RetryPolicy(initial_interval=SOON, maximum_attempts=2)
            return await call(takes, 2, start_to_close_timeout=SECOND / 2, retry_policy=policy)
        if what == "schedule to close":
            return await call(takes, 3, schedule_to_close_timeout=SECOND)
        if what == "schedule to close while retrying":
            policy = RetryPolicy(initial_interval=timedelta(seconds=3), backoff_coefficient=1)
            return await call(
                fails_until, 100, schedule_to_close_timeout=SECOND * 5, retry_policy=policy
            )
        if what == "no time for a retry":
            policy = RetryPolicy(initial_interval=timedelta(seconds=20))
            return await call(
                takes,
                9,
                start_to_close_timeout=SECOND,
                schedule_to_close_timeout=timedelta(seconds=10),
                retry_policy=policy,
            )
        if what == "schedule to start":
            return await call(
                greet, "Ada", task_queue="nobody", schedule_to_start_timeout=SECOND,
                start_to_close_timeout=LONG,
            )  # fmt: skip
        assert what == "heartbeat"
        return await call(
            beats_then_hangs, start_to_close_timeout=LONG, heartbeat_timeout=SECOND,
            retry_policy=ONCE,
        )  # fmt: skip


@workflow.defn
class Cancels:
    """An activity cancelled by its workflow, while it runs or before it is even sent."""

    @workflow.run
    async def run(self, kind: str, answer: str) -> str:
        handle = workflow.start_activity(
            waits_to_be_cancelled,
            answer,
            start_to_close_timeout=LONG,
            heartbeat_timeout=SECOND,
            cancellation_type=Cancel[kind],
            retry_policy=ONCE,
        )
        if answer != "never sent":
            await workflow.sleep(0.3)
        handle.cancel()
        try:
            result = f"result {await handle}"
        except ActivityError as error:
            result = f"{error.message}, {type(error.cause).__name__}"
        await workflow.sleep(1.2)
        return result


@workflow.defn
class Cancelled:
    """A workflow that is cancelled from outside, and what it makes of it."""

    @workflow.run
    async def run(self, what: str) -> str:
        try:
            if what == "activity":
                await workflow.execute_activity(
                    waits_to_be_cancelled, "agree", start_to_close_timeout=LONG,
                    heartbeat_timeout=SECOND, cancellation_type=Cancel.WAIT_CANCELLATION_COMPLETED,
                )  # fmt: skip
            else:
                await workflow.sleep(60)
        except (asyncio.CancelledError, ActivityError):
            if what == "swallowed":
                return f"went on, {workflow.cancellation_reason()!r}"
            if what == "cleans up":
                await workflow.execute_activity(greet, "Ada", start_to_close_timeout=LONG)
            raise
        return "never cancelled"


@workflow.defn
class Waits:
    @workflow.run
    async def run(self, what: str) -> str:
        if what == "sleep":
            await workflow.sleep(0.05)
            return "slept"
        if what == "condition":
            try:
                await workflow.wait_condition(lambda: False, timeout=0.05)
            except TimeoutError:
                return "timed out"
        if what == "cancelled timer":
            timer = asyncio.create_task(workflow.sleep(60))
            await workflow.sleep(0.05)
            timer.cancel()
            await workflow.sleep(0.05)
            return "cancelled"
        if what == "timer never sent":
            timer = asyncio.create_task(workflow.sleep(60))
            await asyncio.sleep(0)
            timer.cancel()
            await workflow.sleep(0.05)
            return "never sent"
        assert what == "both"
        first, second = (
            workflow.start_activity(takes, seconds, start_to_close_timeout=LONG)
            for seconds in (0.6, 0.1)
        )
        return f"{await second} before {await first}"


@workflow.defn
class LongWait:
    """Long timers are for engines with virtual time."""

    @workflow.run
    async def run(self) -> str:
        before = workflow.now()
        await workflow.sleep(timedelta(days=40))
        return f"{(workflow.now() - before).days} days"


@workflow.defn
class Mailbox:
    """Signals, queries and updates."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @workflow.run
    async def run(self, wanted: int) -> list[str]:
        await workflow.wait_condition(
            lambda: len(self.seen) >= wanted and workflow.all_handlers_finished()
        )
        return self.seen

    @workflow.signal
    async def say(self, word: str) -> None:
        self.seen.append(word)

    @workflow.query
    def words(self) -> list[str]:
        return self.seen

    @workflow.query
    def breaks(self) -> None:
        raise ValueError("no answer")

    @workflow.update
    async def add(self, word: str) -> int:
        self.seen.append(word)
        return len(self.seen)

    @add.validator
    def check_add(self, word: str) -> None:
        if not word:
            raise ValueError("a word, please")

    @workflow.update
    async def add_slowly(self, word: str) -> str:
        answer = await workflow.execute_activity(greet, word, start_to_close_timeout=LONG)
        self.seen.append(answer)
        return answer

    @workflow.update
    async def fail(self) -> None:
        raise ApplicationError("not today", type="Closed")


@workflow.defn
class Late:
    """Its handlers come late: signals are buffered for them."""

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.sleep(0.3)
        seen: list[str] = []
        workflow.set_signal_handler("late", seen.append)  # pyright: ignore[reportUnknownMemberType]
        await workflow.wait_condition(lambda: bool(seen))
        return seen


@workflow.defn
class Counts:
    @workflow.run
    async def run(self, left: int, done: int) -> int:
        await workflow.execute_activity(greet, "Ada", start_to_close_timeout=LONG)
        if left:
            workflow.continue_as_new(args=[left - 1, done + 1])
        return done


@workflow.defn
class Patched:
    @workflow.run
    async def run(self) -> str:
        if workflow.patched("greets"):
            await workflow.execute_activity(greet, "Ada", start_to_close_timeout=LONG)
        workflow.deprecate_patch("old")
        again = workflow.patched("greets")
        await workflow.sleep(0.02)
        return f"patched {again}, {workflow.patched('greets')}"


@workflow.defn
class Fails:
    @workflow.run
    async def run(self, what: str) -> None:
        if what == "until third" and workflow.info().attempt == 3:
            return
        if what == "hangs":
            await workflow.sleep(60)
        if what == "memo":
            workflow.upsert_memo({"word": "a"})
            return
        raise ApplicationError("failed", {"at": 1}, type="Wrong", non_retryable=what == "final")


@workflow.defn
class Locals:
    """Local activities."""

    @workflow.run
    async def run(self, what: str) -> Any:
        call = workflow.execute_local_activity
        if what == "one":
            return await call(greet, "Ada", start_to_close_timeout=LONG)
        if what == "sync":
            return await call(greet_synchronously, "Ada", start_to_close_timeout=LONG)
        if what == "several":
            greetings = [await call(greet, name, start_to_close_timeout=LONG) for name in "ab"]
            await workflow.sleep(0.02)
            together = [call(takes, n / 10, start_to_close_timeout=LONG) for n in (3, 1)]
            return [greetings, await asyncio.gather(*together)]
        if what == "retried":
            return await call(fails_until, 3, start_to_close_timeout=LONG, retry_policy=QUICKLY)
        if what == "refused":
            return await call(refuses, start_to_close_timeout=LONG)
        if what == "backoff":
            return await call(
                fails_until, 2, start_to_close_timeout=LONG,
                retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
                local_retry_threshold=timedelta(milliseconds=1),
            )  # fmt: skip
        if what == "timeout":
            return await call(takes, 2, start_to_close_timeout=SECOND / 5, retry_policy=ONCE)
        if what == "schedule to close":
            return await call(takes, 2, schedule_to_close_timeout=SECOND / 5, retry_policy=ONCE)
        cancel_type = Cancel[what]
        handle = workflow.start_local_activity(
            takes, 0.6, start_to_close_timeout=LONG, cancellation_type=cancel_type
        )
        await call(takes, 0.1, start_to_close_timeout=LONG)
        handle.cancel()
        try:
            return await handle
        except ActivityError as error:
            return f"{error.message}, {type(error.cause).__name__}"


@workflow.defn
class Fickle:
    """Replayed, it calls an activity where it slept the first time."""

    @workflow.run
    async def run(self) -> None:
        if workflow.unsafe.is_replaying():
            await workflow.execute_activity(greet, "Ada", start_to_close_timeout=LONG)
        await workflow.sleep(SOON)


@workflow.defn(failure_exception_types=[workflow.NondeterminismError])
class FickleAndFailing:
    @workflow.run
    async def run(self) -> None:
        await Fickle().run()
