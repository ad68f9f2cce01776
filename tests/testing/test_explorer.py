"""The search through all faults: what is wrong is found, what is right is not accused."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import Any, Self

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory

from musterwerk.errors import UsageError
from musterwerk.testing import Fault, Message, Outcome, replay
from musterwerk.testing.explorer.exploring import explore
from musterwerk.testing.explorer.report import Exploration
from tests.mutants.cases import Case
from tests.mutants.catalogue import CORRECT, MUTANTS


async def explored(case: Case, max_faults: int) -> Exploration:
    return await explore(
        case.run,
        *case.args,
        world=case.world,
        invariants=case.invariants,
        workflows=case.others,
        messages=[Message(one.kind, one.name, one.args) for one in case.messages],
        max_faults=max_faults,
    )


@pytest.mark.parametrize("case", MUTANTS, ids=lambda case: case.name)
async def test_a_bug_is_found_with_as_few_faults_as_it_needs(case: Case) -> None:
    found = (await explored(case, case.faults)).counterexample
    assert found is not None
    assert found.violations
    assert len(found.faults) <= case.faults


async def test_a_counterexample_tells_what_happened_in_order() -> None:
    case = next(one for one in MUTANTS if one.name == "Order-RepeatedRefunds")
    report = await explored(case, 2)
    with pytest.raises(AssertionError, match=r"money_conserved: paid -73\.00, owed 0") as raised:
        report.raise_if_violated()
    assert str(raised.value).splitlines()[3:] == [
        "faults:",
        "  charge 1, attempt 1: cancel arrives during the activity",
        "  refund 1, attempt 1: zombie, the effect lands at the end",
        "what happened:",
        "  workflow  Order, task 1 saw: workflow execution started",
        "  workflow  Order, task 1 asked: run reserve",
        "  world     reserve('O-1/stock') -> 'stock:O-1/stock'",
        "  workflow  Order, task 2 saw: reserve completed",
        "  workflow  Order, task 2 asked: run charge",
        "  fault     charge 1, attempt 1: cancel arrives during the activity",
        "  world     charge('O-1/payment') -> 'payment:O-1/payment'",
        "  workflow  Order, task 3 saw: workflow execution cancel requested",
        "  workflow  Order, task 3 asked: cancel charge; run refund",
        "  fault     refund 1, attempt 1: zombie, the effect lands at the end",
        "  workflow  Order, task 4 saw: charge completed",
        "  workflow  Order, task 4 asked: nothing",
        "  world     refund('O-1/payment'), attempt 2 -> None",
        "  workflow  Order, task 5 saw: refund completed",
        "  workflow  Order, task 5 asked: run release",
        "  world     release('O-1/stock') -> None",
        "  workflow  Order, task 6 saw: release completed",
        "  workflow  Order, task 6 asked: workflow execution canceled",
        "  world     refund('O-1/payment') -> None",
        "  outcome   canceled after 0:01:01",
    ]
    (violation,) = report.as_json()["counterexample"]["violations"]
    assert violation["invariant"] == "money_conserved"
    assert not report.exhausted


@pytest.mark.parametrize("case", CORRECT, ids=lambda case: case.name)
async def test_what_is_right_stays_right_under_each_single_fault(case: Case) -> None:
    report = (await explored(case, 1)).raise_if_violated()
    assert report.exhausted
    assert report.runs[1] > 40


@workflow.defn
class Waits:
    """For somebody who never comes."""

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


ORDER = next(one for one in CORRECT if one.name == "Order-World")


async def test_a_process_that_never_ends_is_a_bug_unless_it_may_wait() -> None:
    report = await explore(Waits.run, world=ORDER.world, invariants=[])
    assert report.counterexample is not None
    assert report.counterexample.violations[0].invariant == "the process ends"
    assert (await explore(Waits.run, world=ORDER.world, invariants=[], may_wait=True)).ok


async def test_what_must_hold_always_is_asked_between_the_steps() -> None:
    def nothing_is_ever_paid(world: Any, outcome: object) -> None:
        assert outcome is None
        assert not world.payments.total, "paid"

    report = await explore(
        *(ORDER.run, *ORDER.args), world=ORDER.world, invariants=[], always=[nothing_is_ever_paid]
    )
    assert report.counterexample is not None
    assert report.counterexample.faults == ()
    assert report.counterexample.violations[0].message.startswith("paid")
    assert report.runs == {0: 1}


async def test_whoever_has_no_time_is_told_that_not_all_was_tried() -> None:
    report = await explore(
        *(ORDER.run, *ORDER.args), world=ORDER.world, invariants=[], budget=timedelta()
    )
    assert report.ok
    assert not report.exhausted
    assert "not exhausted" in str(report)


async def test_what_cannot_be_explored_is_said() -> None:
    twice = [Message("signal", "approve", ())] * 2
    with pytest.raises(UsageError, match="one twice"):
        await explore(Waits.run, world=ORDER.world, invariants=[], messages=twice)

    async def run() -> None: ...

    with pytest.raises(UsageError, match="no run method"):
        await explore(run, world=ORDER.world, invariants=[])


@workflow.defn(sandboxed=False)
class StopsInAnyOrder:
    """As a TaskGroup does, which cancels its tasks in the order of a set: another one on replay."""

    @workflow.run
    async def run(self, order: str) -> None:
        tasks = [
            asyncio.create_task(
                workflow.execute_activity(name, order, start_to_close_timeout=timedelta(minutes=1))
            )
            for name in ("reserve", "charge")
        ]
        try:
            await workflow.wait_condition(lambda: False)
        except asyncio.CancelledError:
            if workflow.unsafe.is_replaying():
                tasks.reverse()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await workflow.execute_activity(
                "release", order, start_to_close_timeout=timedelta(minutes=1)
            )


@pytest.mark.parametrize(
    "cancel",
    [
        Fault("StopsInAnyOrder", "", 1, 0, "arrives with the task", "cancel"),
        Fault("StopsInAnyOrder", "reserve", 1, 1, "arrives during the activity", "cancel"),
    ],
    ids=["before they are sent", "while they run"],
)
async def test_the_order_in_which_activities_are_stopped_is_free(cancel: Fault) -> None:
    """Temporal does not mind it, so neither does the simulator."""
    histories: list[WorkflowHistory] = []

    def keep(_: object, outcome: Outcome) -> None:
        histories.append(outcome.history)

    forgets = Fault("", "", 0, 0, "worker forgets")
    report = await explore(
        *(StopsInAnyOrder.run, "O-1"), world=ORDER.world, invariants=[keep], only=[forgets, cancel]
    )
    report.raise_if_violated()
    (await replay(histories, workflows=[StopsInAnyOrder])).raise_if_failed()


LOCAL = next(one for one in MUTANTS if one.name == "PersistentLocal-World")
LATE_CANCEL = ("reserve", 2, "arrives before the reply", "cancel")


@pytest.mark.parametrize(
    "faults",
    [
        [
            ("reserve", 1, "zombie", "at the end"),
            ("reserve", 2, "arrives before the reply", "cancel"),
        ],
        [("reserve", 1, "timeout without effect", ""), ("charge", 1, "fails often", "")],
    ],
    ids=["a late attempt beside a newer one", "a retry while a new task begins"],
)
async def test_local_activities_are_called_at_the_oddest_moments(faults: list[Any]) -> None:
    workflow_type = LOCAL.workflow.__name__
    only = [
        Fault(workflow_type, step, 1, attempt, kind, detail)
        for step, attempt, kind, detail in faults
    ]
    report = await explore(*(LOCAL.run, *LOCAL.args), world=LOCAL.world, invariants=[], only=only)
    assert report.raise_if_violated().runs == {2: 1}


class Nothing:
    """A world in which there is nothing to do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def activities(self) -> list[Any]:
        return []


@workflow.defn
class Draws:
    """Python's own dice are forbidden, and yet the same for each run."""

    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(random.randint(1, 1000))  # noqa: S311 - the point


async def test_explorations_side_by_side_share_neither_dice_nor_log() -> None:
    reports = await asyncio.gather(
        *(explore(Draws.run, world=Nothing, invariants=[], seed=seed) for seed in range(3))
    )
    assert all(report.ok for report in reports), "\n".join(map(str, reports))
    assert logging.getLogger().isEnabledFor(logging.ERROR)


_runs: list[int] = []


@workflow.defn
class Remembers:
    @workflow.run
    async def run(self) -> None:
        _runs.append(1)
        await workflow.sleep(len(_runs))


@pytest.mark.parametrize("only", [None, []])
async def test_what_outlives_a_run_is_found_also_by_the_written_test(only: list[Fault]) -> None:
    report = await explore(Remembers.run, world=Nothing, invariants=[], max_faults=0, only=only)
    assert "the process is deterministic" in str(report)


async def test_an_exploration_within_another_is_refused() -> None:
    def explores(_: Nothing, outcome: Outcome) -> None:
        asyncio.run(explore(Draws.run, world=Nothing, invariants=[]))

    with pytest.raises(UsageError, match="cannot be part of another one"):
        await explore(Draws.run, world=Nothing, invariants=[explores], max_faults=0)


@workflow.defn
class Long:
    """It takes many tasks, or a long time, and ends."""

    @workflow.run
    async def run(self, naps: int, days: int) -> None:
        for _ in range(naps):
            await workflow.sleep(timedelta(days=days))


@pytest.mark.parametrize(
    ("naps", "days", "option"),
    [(600, 1, {"max_tasks": 700}), (12, 365, {"horizon": timedelta(days=5000)})],
    ids=["tasks", "years"],
)
async def test_a_long_process_is_told_how_to_be_explored(
    naps: int, days: int, option: dict[str, Any]
) -> None:
    usual: dict[str, Any] = {"world": Nothing, "invariants": [], "max_faults": 0}
    report = await explore(Long.run, naps, days, **usual)
    assert f"then give `{next(iter(option))}`" in str(report)
    assert (await explore(Long.run, naps, days, **usual, **option)).ok
