"""Of runs that come to the same state only one goes on, and nothing is lost by that."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Sized
from datetime import timedelta
from typing import Any, Self

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from musterwerk.errors import UsageError
from musterwerk.testing import Outcome, explore
from tests.testing.tills import Till

MINUTE = timedelta(minutes=1)
TWICE = RetryPolicy(maximum_attempts=2)


class Counter(Till):
    """It hands out what is paid as well."""

    def __enter__(self) -> Self:
        self.shipped: set[str] = set()
        return super().__enter__()

    @activity.defn
    async def ship(self, order: str) -> None:
        self.shipped.add(order)

    def activities(self) -> list[Callable[..., Any]]:
        return [*super().activities(), self.ship]

    def all(self) -> object:
        return self.paid, self.undone, self.shipped


class MergingCounter(Counter):
    def state(self) -> object:
        return self.all()


class UnkeepableCounter(Counter):
    def state(self) -> object:
        return lambda: None


@workflow.defn
class Sale:
    @workflow.run
    async def run(self, order: str) -> str:
        try:
            await workflow.execute_activity(
                "pay", order, start_to_close_timeout=MINUTE, retry_policy=TWICE
            )
        except ActivityError:
            await workflow.execute_activity("pay_back", order, start_to_close_timeout=MINUTE)
            return "not paid"
        await workflow.execute_activity("ship", order, start_to_close_timeout=MINUTE)
        return "shipped"


async def endings(
    world: type[Counter], max_faults: int, *, hurry: bool = False
) -> tuple[list[object], int, int]:
    """All the ways in which it ended, the runs, and those that were merged."""
    found: list[object] = []

    def note(till: Counter, outcome: Outcome) -> None:
        one = (till.all(), outcome.status, outcome.result, outcome.duration)
        if one not in found:
            found.append(copy.deepcopy(one))

    report = await explore(
        *(Sale.run, "O-1"), world=world, invariants=[note], max_faults=max_faults, hurry=hurry
    )
    assert report.raise_if_violated().exhausted
    return found, sum(report.runs.values()), report.pruned.get("equal state", 0)


@pytest.mark.parametrize("max_faults", [1, 2])
async def test_merged_runs_end_in_all_the_ways_in_which_all_runs_end(max_faults: int) -> None:
    every, runs, none = await endings(Counter, max_faults)
    merged, fewer, cut = await endings(MergingCounter, max_faults)
    assert none == 0
    assert cut > max_faults
    assert fewer <= runs
    assert len(every) > 8
    assert all(one in merged for one in every)
    assert all(one in every for one in merged)


def its_calls(outcome: Outcome) -> Sized:
    return outcome.calls


def all_of_it(outcome: Outcome) -> Sized:
    return vars(outcome)


@pytest.mark.parametrize("look", [its_calls, all_of_it])
async def test_nothing_is_merged_where_an_invariant_goes_by_how_it_came_about(
    look: Callable[[Outcome], Sized],
) -> None:
    def few_calls(_: Counter, outcome: Outcome) -> None:
        if outcome.status != "running":
            assert len(look(outcome)) < 30

    report = await explore(
        *(Sale.run, "O-1"), world=MergingCounter, invariants=[few_calls], max_faults=1
    )
    assert report.exhausted
    assert "equal state" not in report.pruned
    assert report.states == 0
    assert "state() is of no use: no runs could be compared" in str(report)


class Scribbler(MergingCounter):
    """Its state has the very call, which no other run has."""

    def state(self) -> object:
        return super().state(), uuid.uuid4()


async def test_a_state_that_is_never_equal_is_told() -> None:
    report = await explore(*(Sale.run, "O-1"), world=Scribbler, invariants=[], max_faults=1)
    assert report.ok
    assert "state() is of no use: no two runs came to equal states" in str(report)
    useful = await explore(*(Sale.run, "O-1"), world=MergingCounter, invariants=[], max_faults=1)
    assert not useful.hints


async def test_an_invariant_that_looks_late_has_all_tried_again() -> None:
    def looks_at_the_unpaid(_: Counter, outcome: Outcome) -> None:
        if outcome.result == "not paid":
            assert outcome.calls

    report = await explore(
        *(Sale.run, "O-1"), world=MergingCounter, invariants=[looks_at_the_unpaid], max_faults=1
    )
    plain = await explore(*(Sale.run, "O-1"), world=Counter, invariants=[], max_faults=1)
    assert report.exhausted
    assert report.runs == plain.runs
    assert "equal state" not in report.pruned


async def test_sets_that_cannot_happen_are_counted() -> None:
    report = await explore(*(Sale.run, "O-1"), world=Counter, invariants=[])
    assert report.pruned["unreachable"] > 100
    assert report.as_json()["pruned"] == dict(report.pruned)


async def test_a_state_that_cannot_be_kept_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"UnkeepableCounter\.state\(\) cannot be kept"):
        await explore(*(Sale.run, "O-1"), world=UnkeepableCounter, invariants=[])
