"""Of runs that come to the same state only one goes on, and nothing is lost by that."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from musterwerk.errors import UsageError
from musterwerk.testing import Outcome, explore

MINUTE = timedelta(minutes=1)
TWICE = RetryPolicy(maximum_attempts=2)


class Till:
    """Sound: what was paid back is not taken any more."""

    def __enter__(self) -> Self:
        self.paid: set[str] = set()
        self.undone: set[str] = set()
        self.shipped: set[str] = set()
        return self

    def __exit__(self, *_: object) -> None: ...

    @activity.defn
    async def pay(self, order: str) -> None:
        if order in self.undone:
            raise ApplicationError("undone", non_retryable=True)
        self.paid.add(order)

    @activity.defn
    async def pay_back(self, order: str) -> None:
        self.undone.add(order)
        self.paid.discard(order)

    @activity.defn
    async def ship(self, order: str) -> None:
        self.shipped.add(order)

    def activities(self) -> list[Callable[..., Any]]:
        return [self.pay, self.pay_back, self.ship]

    def all(self) -> object:
        return self.paid, self.undone, self.shipped


class MergingTill(Till):
    def state(self) -> object:
        return self.all()


class UnkeepableTill(Till):
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


async def endings(world: type[Till], max_faults: int) -> tuple[list[object], int, int]:
    """All the ways in which it ended, the runs, and those that were merged."""
    found: list[object] = []

    def note(till: Till, outcome: Outcome) -> None:
        one = (till.all(), outcome.status, outcome.result, outcome.duration)
        if one not in found:
            found.append(copy.deepcopy(one))

    report = await explore(
        *(Sale.run, "O-1"), world=world, invariants=[note], max_faults=max_faults
    )
    assert report.raise_if_violated().exhausted
    return found, sum(report.runs.values()), report.pruned.get("equal state", 0)


@pytest.mark.parametrize("max_faults", [1, 2])
async def test_merged_runs_end_in_all_the_ways_in_which_all_runs_end(max_faults: int) -> None:
    every, runs, none = await endings(Till, max_faults)
    merged, fewer, cut = await endings(MergingTill, max_faults)
    assert none == 0
    assert cut > max_faults
    assert fewer <= runs
    assert len(every) > 8
    assert all(one in merged for one in every)
    assert all(one in every for one in merged)


async def test_nothing_is_merged_where_an_invariant_goes_by_how_it_came_about() -> None:
    def few_calls(_: Till, outcome: Outcome) -> None:
        if outcome.status != "running":
            assert len(outcome.calls) < 30

    report = await explore(
        *(Sale.run, "O-1"), world=MergingTill, invariants=[few_calls], max_faults=1
    )
    assert report.exhausted
    assert "equal state" not in report.pruned
    assert report.states == 0


async def test_an_invariant_that_looks_late_has_all_tried_again() -> None:
    def looks_at_the_unpaid(_: Till, outcome: Outcome) -> None:
        if outcome.result == "not paid":
            assert outcome.calls

    report = await explore(
        *(Sale.run, "O-1"), world=MergingTill, invariants=[looks_at_the_unpaid], max_faults=1
    )
    plain = await explore(*(Sale.run, "O-1"), world=Till, invariants=[], max_faults=1)
    assert report.exhausted
    assert report.runs == plain.runs
    assert "equal state" not in report.pruned


async def test_sets_that_cannot_happen_are_counted() -> None:
    report = await explore(*(Sale.run, "O-1"), world=Till, invariants=[])
    assert report.pruned["unreachable"] > 100
    assert report.as_json()["pruned"] == dict(report.pruned)


async def test_a_state_that_cannot_be_kept_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"UnkeepableTill\.state\(\) cannot be kept"):
        await explore(*(Sale.run, "O-1"), world=UnkeepableTill, invariants=[])
