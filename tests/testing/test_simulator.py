"""What only the simulator does: decisions, refusals, the same run for the same seed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from musterwerk.errors import SimulationError
from musterwerk.testing import (
    CANCEL,
    Attempt,
    Natural,
    Outcome,
    Report,
    SimulatedHandle,
    Simulator,
    Start,
    Task,
    TaskStart,
)

effects: list[str] = []


@activity.defn
async def effect(name: str) -> str:
    effects.append(f"{name} {activity.info().attempt}")
    return name


@activity.defn
async def takes(seconds: float) -> float:
    await asyncio.sleep(seconds)
    effects.append(f"{seconds:g} s")
    return seconds


@activity.defn
def waits_for_cancellation() -> None:
    activity.wait_for_cancelled_sync()


@workflow.defn
class Steps:
    @workflow.run
    async def run(self) -> list[str]:
        return [
            await workflow.execute_activity(
                effect, name, start_to_close_timeout=timedelta(seconds=10)
            )
            for name in "ab"
        ]


@workflow.defn
class Local:
    """A local activity that takes long, and signals meanwhile."""

    def __init__(self) -> None:
        self._words: list[str] = []

    @workflow.run
    async def run(self, seconds: float) -> list[str]:
        await workflow.execute_local_activity(
            takes, seconds, start_to_close_timeout=timedelta(minutes=1)
        )
        return self._words

    @workflow.signal
    def say(self, word: str) -> None:
        self._words.append(word)


@workflow.defn
class Careless:
    @workflow.run
    async def run(self, what: str) -> object:
        if what == "bug":
            raise KeyError("a bug")
        if what == "random":
            effects.append("x")
            if len(effects) % 2:
                await workflow.execute_activity(
                    takes, 1, start_to_close_timeout=timedelta(minutes=1)
                )
        call = waits_for_cancellation if what == "sync" else what
        await workflow.sleep(1)
        policy = RetryPolicy(maximum_attempts=1)
        return await workflow.execute_activity(
            call, start_to_close_timeout=timedelta(seconds=1), retry_policy=policy
        )


@pytest.fixture(autouse=True)
def fresh() -> None:
    effects.clear()


def simulate(run: object, *args: object, **options: object) -> Outcome:
    known = [effect, takes, waits_for_cancellation]
    with Simulator(workflows=[Steps, Local, Careless], activities=known) as simulator:
        return simulator.run(run, *args, **options)  # type: ignore[arg-type]


async def replayed(outcome: Outcome) -> None:
    replayer = Replayer(
        workflows=[Steps, Local, Careless], workflow_runner=UnsandboxedWorkflowRunner()
    )
    await replayer.replay_workflow(outcome.history)


class Lost(Natural):
    def attempt_ends(self, attempt: Attempt, failed: bool) -> Report:
        first = attempt.number == 1 and attempt.occurrence == 1
        return Report(lost=first)


async def test_a_lost_reply_is_a_timeout_with_effect() -> None:
    outcome = simulate(Steps.run, decisions=Lost())
    assert (outcome.result, effects) == (["a", "b"], ["a 1", "a 2", "b 1"])
    assert outcome.duration == timedelta(seconds=11)
    assert outcome.decisions["attempt_ends"] == 3
    await replayed(outcome)


class Zombie(Natural):
    def attempt_starts(self, attempt: Attempt) -> Start:
        late = attempt.number == 1 and attempt.occurrence == 1
        return Start(late=timedelta(minutes=1) if late else timedelta())


async def test_a_late_effect_comes_after_the_workflow() -> None:
    outcome = simulate(Steps.run, decisions=Zombie())
    assert (outcome.status, effects) == ("completed", ["a 2", "b 1", "a 1"])
    await replayed(outcome)


class Refused(Natural):
    def attempt_starts(self, attempt: Attempt) -> Start:
        error = ApplicationError("no", non_retryable=True)
        return Start(run=attempt.occurrence == 1, error=error)


async def test_a_step_is_refused_before_its_effect() -> None:
    outcome = simulate(Steps.run, decisions=Refused())
    assert (outcome.status, effects) == ("failed", ["a 1"])
    await replayed(outcome)


class CancelledAt(Natural):
    def __init__(self, number: int) -> None:
        self._number = number

    def task_starts(self, task: Task) -> TaskStart:
        return TaskStart(send=(CANCEL,) * (task.number == self._number), evict=True)


@pytest.mark.parametrize(("number", "seen"), [(1, []), (2, ["a 1"]), (3, ["a 1", "b 1"])])
async def test_cancelled_at_each_task(number: int, seen: list[str]) -> None:
    outcome = simulate(Steps.run, decisions=CancelledAt(number))
    assert effects == seen
    assert outcome.status in ("canceled", "completed")
    await replayed(outcome)


class Dies(Natural):
    def task_starts(self, task: Task) -> TaskStart:
        return TaskStart(dies=task.number == 1)


async def test_a_worker_that_dies_repeats_its_local_activities() -> None:
    outcome = simulate(Local.run, 1, decisions=Dies())
    assert (outcome.status, effects) == ("completed", ["1 s", "1 s"])
    assert "workflow_task_timed_out" in outcome.runs[0].events
    await replayed(outcome)


@pytest.mark.parametrize("seconds", [5, 20])
async def test_a_signal_during_a_local_activity(seconds: int) -> None:
    """The server refuses the ending of the first task; after 8 s it has a task of its own."""

    async def outside(handle: SimulatedHandle) -> None:
        await asyncio.sleep(3)
        await handle.signal(Local.say, "a word")

    outcome = simulate(Local.run, seconds, outside=outside)
    assert (outcome.status, outcome.result) == ("completed", ["a word"])
    assert ("workflow_task_failed" in outcome.runs[0].events) == (seconds == 5)
    await replayed(outcome)


async def test_a_bug_suspends() -> None:
    outcome = simulate(Careless.run, "bug")
    assert (outcome.status, outcome.task_failure) == ("running", "'a bug'")


class Forgetful(Natural):
    def task_starts(self, task: Task) -> TaskStart:
        return TaskStart(evict=True)


async def test_what_is_not_deterministic_is_found() -> None:
    outcome = simulate(Careless.run, "random", decisions=Forgetful())
    assert outcome.status == "running"
    assert "not deterministic" in (outcome.task_failure or "")


@workflow.defn(failure_exception_types=[workflow.NondeterminismError])
class BreaksOnReplay:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(1)
        if workflow.unsafe.is_replaying():
            raise KeyError("a bug")
        await workflow.sleep(1)


def test_a_bug_that_shows_on_replay_suspends_though_nondeterminism_would_fail() -> None:
    with Simulator(workflows=[BreaksOnReplay]) as simulator:
        outcome = simulator.run(BreaksOnReplay.run, decisions=Forgetful())
    assert outcome.status == "running"
    assert "a bug" in (outcome.task_failure or "")


def test_what_is_not_registered_is_refused() -> None:
    with pytest.raises(SimulationError, match="Activity nobody is not registered"):
        simulate(Careless.run, "nobody")
    with pytest.raises(SimulationError, match="Workflow Nobody is not registered"):
        simulate("Nobody")


def test_waiting_in_a_synchronous_activity_is_refused() -> None:
    with pytest.raises(SimulationError, match="make it asynchronous"):
        simulate(Careless.run, "sync")


async def test_inside_a_running_loop_and_twice_the_same() -> None:
    first, second = simulate(Steps.run, seed=7), simulate(Steps.run, seed=7)
    assert first.history == second.history
    assert first.history != simulate(Steps.run, seed=8).history


class Base64(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={"encoding": b"b64"}, data=base64.b64encode(p.SerializeToString()))
            for p in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(base64.b64decode(p.data)) for p in payloads]


async def test_payloads_go_through_the_codec() -> None:
    converter = dataclasses.replace(DataConverter.default, payload_codec=Base64())
    with Simulator(workflows=[Steps], activities=[effect], data_converter=converter) as simulator:
        outcome = simulator.run(Steps.run)
    assert outcome.result == ["a", "b"]
    completed = outcome.history.events[-1].workflow_execution_completed_event_attributes
    assert completed.result.payloads[0].metadata["encoding"] == b"b64"
    replayer = Replayer(
        workflows=[Steps],
        data_converter=converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(outcome.history)


@activity.defn
async def leaves_something_behind() -> str:
    async def behind() -> None:
        await asyncio.sleep(0)
        effects.append("behind")

    _background.add(asyncio.create_task(behind()))
    assert asyncio.current_task() is not None
    return "done"


_background: set[asyncio.Task[None]] = set()


@workflow.defn
class Leaving:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(
            leaves_something_behind, start_to_close_timeout=timedelta(seconds=10)
        )


def test_what_an_activity_leaves_to_the_loop_is_done_though_it_ended_at_once() -> None:
    effects.clear()
    with Simulator(workflows=[Leaving], activities=[leaves_something_behind]) as simulator:
        assert simulator.run(Leaving.run).result == "done"
    assert effects == ["behind"]


@activity.defn
async def takes_turns(turns: int) -> float:
    await asyncio.sleep(1)
    for _ in range(turns):
        await asyncio.sleep(0)
    return asyncio.get_running_loop().time()


@workflow.defn
class SideBySide:
    """Local activities that wake up together, and end in one turn of their loop after another."""

    @workflow.run
    async def run(self) -> list[float]:
        minute = timedelta(minutes=1)
        return await asyncio.gather(
            *(
                workflow.execute_local_activity(takes_turns, turns, start_to_close_timeout=minute)
                for turns in range(4)
            )
        )


@pytest.mark.parametrize("decisions", [Natural(), Forgetful()], ids=["kept", "evicted"])
def test_local_activities_that_end_together_are_on_their_loop_to_the_end(
    decisions: Natural,
) -> None:
    """The first to end hands its workflow on, which has an event loop of its own."""
    with Simulator(workflows=[SideBySide], activities=[takes_turns]) as simulator:
        outcome = simulator.run(SideBySide.run, decisions=decisions)
    assert (outcome.result, outcome.failure, outcome.task_failure) == ([1, 1, 1, 1], None, None)


@workflow.defn
class WritesItself:
    """Changes what `workflow.info()` shows, which Temporal keeps in the info itself."""

    @workflow.run
    async def run(self, word: str) -> list[Any]:
        info = workflow.info()
        before: list[Any] = [dict(info.search_attributes), dict(workflow.memo())]
        key = SearchAttributeKey.for_keyword("word")
        workflow.upsert_search_attributes([key.value_set(word)])  # pyright: ignore[reportUnknownMemberType]
        workflow.upsert_memo({"word": word})
        await workflow.sleep(1)
        return [*before, workflow.info().typed_search_attributes[key], workflow.memo()]


def test_what_one_run_writes_into_its_info_is_not_there_in_the_next() -> None:
    with Simulator(workflows=[WritesItself]) as simulator:
        for decisions in (Natural(), Forgetful(), Natural()):
            outcome = simulator.run(WritesItself.run, "word", decisions=decisions)
            assert outcome.result == [{}, {}, "word", {"word": "word"}]


waited: list[str] = []


@activity.defn
async def waits(how: str) -> None:
    if how == "thread":
        await asyncio.to_thread(activity.wait_for_cancelled_sync)
    elif how == "thread, a moment":
        await asyncio.to_thread(activity.wait_for_cancelled_sync, 0.01)
    elif how == "shutdown":
        await activity.wait_for_worker_shutdown()
    else:
        heard = asyncio.create_task(activity.wait_for_cancelled())
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(1000)
        await heard
    waited.append(how)


@workflow.defn
class TimesOut:
    @workflow.run
    async def run(self, how: str) -> None:
        await workflow.execute_activity(
            waits,
            how,
            start_to_close_timeout=timedelta(seconds=1),
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@pytest.mark.parametrize(
    ("how", "status", "heard"),
    [
        ("cancellation", "failed", ["cancellation"]),
        ("shutdown", "failed", []),
        ("thread, a moment", "completed", ["thread, a moment"]),
    ],
)
def test_what_an_activity_waits_for(how: str, status: str, heard: list[str]) -> None:
    waited.clear()
    with Simulator(workflows=[TimesOut], activities=[waits]) as simulator:
        assert simulator.run(TimesOut.run, how).status == status
    assert waited == heard


def test_a_thread_that_waits_for_a_cancellation_is_refused_rather_than_waited_for() -> None:
    with (
        Simulator(workflows=[TimesOut], activities=[waits]) as simulator,
        pytest.raises(SimulationError, match="make it asynchronous"),
    ):
        simulator.run(TimesOut.run, "thread")
