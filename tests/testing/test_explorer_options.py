"""What can be asked of an exploration besides the faults themselves."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from musterwerk.errors import UsageError
from musterwerk.testing import Fault, Message, Outcome, explore, read_histories, replay
from tests.testing.test_explorer_merging import Counter, MergingCounter, Sale, endings
from tests.testing.tills import Till

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Forgetful(Counter):
    """Pays back what it finds, and does not remember."""

    @activity.defn(name="pay_back")
    async def gives_back(self, order: str) -> None:
        self.paid.discard(order)

    def activities(self) -> list[Callable[..., Any]]:
        return [self.pay, self.gives_back, self.ship]


def paid_if_shipped(till: Counter, outcome: Outcome) -> None:
    if outcome.status == "completed":
        assert till.paid == till.shipped, (till.paid, till.shipped)


@workflow.defn
class Question:
    """Waits for an answer of others, for a day at most."""

    def __init__(self) -> None:
        self._answer = ""

    @workflow.run
    async def run(self) -> str:
        try:
            await workflow.wait_condition(lambda: self._answer != "", timeout=24 * HOUR)
        except TimeoutError:
            return "nobody"
        return self._answer

    @workflow.signal
    def answer(self, text: str) -> None:
        self._answer = text


@workflow.defn
class Asks:
    @workflow.run
    async def run(self, order: str) -> str:
        await workflow.execute_activity("pay", order, start_to_close_timeout=MINUTE)
        return await workflow.execute_child_workflow(Question.run, id="question")


@workflow.defn
class HangsAfterwards:
    @workflow.run
    async def run(self, order: str) -> None:
        await workflow.execute_activity("pay", order, start_to_close_timeout=MINUTE)
        await self.for_ever()

    async def for_ever(self) -> None:
        await workflow.wait_condition(lambda: False)


async def answers(*messages: Message) -> tuple[set[object], int]:
    """All that came of it with at most one fault, and how many faults could have happened."""
    found: set[object] = set()

    def note(_: Till, outcome: Outcome) -> None:
        found.add((outcome.status, outcome.result))

    report = await explore(
        *(Asks.run, "O-1"), world=Till, invariants=[note], workflows=[Question],
        messages=messages, max_faults=1, cancel=False, kill=False,
    )  # fmt: skip
    assert report.raise_if_violated().exhausted
    return {one for one in found if one != ("failed", None)}, report.points


async def test_a_message_can_be_for_another_workflow() -> None:
    to_child = Message("signal", "answer", ("yes",), to="question")
    to_nobody = Message("signal", "answer", ("yes",), to="elsewhere")
    quiet = {("completed", "nobody"), ("running", None)}
    assert (await answers(to_nobody))[0] == quiet
    assert (await answers(to_child))[0] == {*quiet, ("completed", "yes")}


async def test_a_message_with_its_time_comes_in_every_run_and_is_no_fault() -> None:
    found, points = await answers(Message("signal", "answer", ("yes",), to="question", at=HOUR))
    assert found == {("completed", "yes"), ("running", None)}
    assert points == (await answers())[1]


async def test_what_cannot_happen_is_left_out() -> None:
    every = await explore(Sale.run, "O-1", world=Forgetful, invariants=[paid_if_shipped])
    assert every.counterexample is not None
    assert {one.kind for one in every.counterexample.faults} & {"zombie"}

    def possible(fault: Fault) -> bool:
        return fault.kind != "zombie"

    rest = await explore(
        *(Sale.run, "O-1"), world=Forgetful, invariants=[paid_if_shipped], possible=possible
    )
    assert rest.ok
    assert rest.exhausted


@pytest.mark.parametrize("max_faults", [1, 2])
async def test_in_a_hurry_it_ends_in_the_same_ways_and_more_is_merged(max_faults: int) -> None:
    def timeless(found: list[Any]) -> list[object]:
        return [one[:-1] for one in found]

    every, _, _ = await endings(Counter, max_faults)
    _, runs, merged = await endings(MergingCounter, max_faults)
    hurried, fewer, more = await endings(MergingCounter, max_faults, hurry=True)
    assert fewer < runs
    assert fewer - more < 0.9 * (runs - merged)  # those that go on to their end
    assert {repr(one) for one in timeless(hurried)} == {repr(one) for one in timeless(every)}


async def test_random_walks_find_what_takes_several_faults_and_make_it_smaller() -> None:
    report = await explore(
        *(Sale.run, "O-1"), world=Forgetful, invariants=[paid_if_shipped],
        max_faults=4, walks=300, seed=3, cancel=False,
    )  # fmt: skip
    assert report.counterexample is not None
    assert len(report.counterexample.faults) <= 2
    # Without any one of them nothing is violated, or the others cannot happen.
    for fault in report.counterexample.faults:
        fewer = [one for one in report.counterexample.faults if one != fault]
        with suppress(UsageError):
            alone = await explore(
                *(Sale.run, "O-1"), world=Forgetful, invariants=[paid_if_shipped], only=fewer
            )
            assert alone.ok


async def test_random_walks_differ_by_their_seed_and_never_say_that_they_are_complete() -> None:
    async def walk(seed: int) -> dict[str, Any]:
        report = await explore(
            *(Sale.run, "O-1"), world=Counter, invariants=[], max_faults=3, walks=20, seed=seed
        )
        assert not report.exhausted
        assert ": 20 random sets of up to 3 faults, in " in str(report)
        assert "not exhausted" in str(report)
        assert max(report.runs) == 3
        return report.as_json() | {"seconds": 0}

    assert await walk(1) == await walk(1)
    assert await walk(1) != await walk(2)


async def test_lines_that_never_ran_are_named() -> None:
    report = await explore(*(Sale.run, "O-1"), world=Counter, invariants=[], max_faults=0)
    assert report.coverage is not None
    assert (report.coverage.lines, report.coverage.run) == (8, 5)
    assert len(report.coverage.unseen) == 3  # the except clause and what stands in it
    assert "3 of 8 lines did not run with at most one fault (test_expl" in str(report)
    assert "without faults: completed, with 'shipped'" in str(report)
    fuller = await explore(*(Sale.run, "O-1"), world=Counter, invariants=[], max_faults=1)
    assert fuller.coverage is not None
    assert not fuller.coverage.unseen
    assert report.tried == 0
    assert 20 < fuller.tried == fuller.points


def _ignore(frame: FrameType, event: str, arg: object) -> None:
    """A debugger that looks at nothing."""


async def test_a_debugger_is_left_alone() -> None:
    seen: list[object] = []

    class Traced(Counter):
        def __enter__(self) -> Self:
            sys.settrace(_ignore)
            return super().__enter__()

        def __exit__(self, *_: object) -> None:
            seen.append(sys.gettrace())
            sys.settrace(None)

    report = await explore(*(Sale.run, "O-1"), world=Traced, invariants=[], max_faults=0)
    assert report.exhausted
    assert all(seen)


async def test_histories_of_all_runs_show_what_an_upgrade_would_break(tmp_path: Path) -> None:
    report = await explore(
        *(Sale.run, "O-1"), world=Counter, invariants=[], max_faults=1, histories=tmp_path
    )
    files = [one for one in read_histories(tmp_path) if one.path.name.startswith("Sale-")]
    assert 20 < len(files) <= sum(report.runs.values())
    assert (await replay(tmp_path, workflows=[Sale])).raise_if_failed().count == len(files)
    broken = await replay(tmp_path, workflows=[ShipsFirst])
    with pytest.raises(AssertionError, match="would be stuck with this code"):
        broken.raise_if_failed()


@workflow.defn(name="Sale")
class ShipsFirst:
    """Tomorrow's code, which forgets about the runs of today."""

    @workflow.run
    async def run(self, order: str) -> str:
        await workflow.execute_activity("ship", order, start_to_close_timeout=MINUTE)
        await workflow.execute_activity("pay", order, start_to_close_timeout=MINUTE)
        return "shipped"


async def test_a_hanging_process_says_where_it_waits() -> None:
    report = await explore(*(HangsAfterwards.run, "O-1"), world=Till, invariants=[], max_faults=0)
    assert report.counterexample is not None
    line = HangsAfterwards.for_ever.__code__.co_firstlineno + 1
    message = report.counterexample.violations[0].message
    assert f"it waits at test_explorer_options.py:{line} in for_ever" in message


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
async def test_a_terminal_shows_how_far_it_is(
    stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = stream()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    await explore(*(Sale.run, "O-1"), world=Counter, invariants=[], max_faults=1)
    assert ("Sale, 1 fault" in shown.getvalue()) == shown.isatty()


@workflow.defn
class Often:
    @workflow.run
    async def run(self, order: str) -> None:
        await workflow.execute_activity(
            *("pay", order), start_to_close_timeout=MINUTE,
            retry_policy=RetryPolicy(initial_interval=HOUR),
        )  # fmt: skip


async def test_in_a_hurry_no_time_passes_by_a_fault() -> None:
    durations: set[timedelta] = set()

    def note(_: Till, outcome: Outcome) -> None:
        if outcome.status == "completed":
            durations.add(outcome.duration)

    for hurry in (True, False):
        await explore(
            *(Often.run, "O-1"), world=Till, invariants=[note], max_faults=1, kill=False,
            cancel=False, hurry=hurry,
        )  # fmt: skip
        assert (max(durations) > HOUR) != hurry


@workflow.defn
class RefusesToAnswer:
    @workflow.run
    async def run(self, order: str) -> None:
        await workflow.sleep(60)
        await workflow.execute_activity("pay", order, start_to_close_timeout=MINUTE)

    @workflow.update
    def ask(self) -> None: ...

    @ask.validator
    def _refuse(self) -> None:
        raise ValueError("no")


async def test_a_timeline_stays_in_order_where_the_server_forgets_a_task() -> None:
    """One that brought only an update that was rejected."""

    def never(_: Till, outcome: Outcome) -> None:
        raise AssertionError

    report = await explore(
        *(RefusesToAnswer.run, "O-1"), world=Till, invariants=[never], max_faults=0,
        messages=[Message("update", "ask", at=timedelta(seconds=10))],
    )  # fmt: skip
    assert report.counterexample is not None
    lines = [line.strip() for line in report.counterexample.timeline]
    assert lines.index("workflow  RefusesToAnswer, task 3 asked: run pay") < lines.index(
        "world     pay('O-1') -> None"
    )
