"""A zombie that only the world sees is tried without the workflow, and nothing is lost by that."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from musterwerk.testing import Fault, Outcome, explore
from musterwerk.testing.explorer import search
from musterwerk.testing.explorer.course import Course
from musterwerk.testing.explorer.landings import Landing
from musterwerk.testing.explorer.varying import holds_elsewhere
from tests.testing.tills import Till

MINUTE = timedelta(minutes=1)
ONCE = RetryPolicy(maximum_attempts=1)
UNSEEN = "not seen by the workflow"


class Shelf(Till):
    """A late payment takes the goods of whoever comes next."""

    left = 2

    @activity.defn(name="pay")
    async def pay_and_take(self, order: str) -> None:
        if order not in self.paid:
            self.paid.add(order)
            self.left -= 1

    @activity.defn
    async def look(self) -> int:
        return self.left

    @activity.defn
    async def note(self, order: str) -> None:
        self.undone.add(f"noted {order} with {self.left}")

    def activities(self) -> list[Callable[..., Any]]:
        return [self.pay_and_take, self.look, self.note]


class BeatingShelf(Shelf):
    """It tells the server that it is there, which then tells it to stop."""

    @activity.defn(name="pay")
    async def pays_and_beats(self, order: str) -> None:
        activity.heartbeat()
        await self.pay_and_take(order)

    def activities(self) -> list[Callable[..., Any]]:
        return [self.pays_and_beats, self.look, self.note]


@workflow.defn
class Blind:
    """What the payment does late, nothing of it sees."""

    @workflow.run
    async def run(self, order: str) -> str:
        try:
            await workflow.execute_activity(
                "pay", order, start_to_close_timeout=MINUTE, retry_policy=ONCE
            )
        except ActivityError:
            await workflow.execute_activity("note", order, start_to_close_timeout=MINUTE)
            await workflow.execute_activity("note", "again", start_to_close_timeout=MINUTE)
            return "not paid"
        return "paid"


@workflow.defn
class Looking:
    """It sees how many are left."""

    @workflow.run
    async def run(self, order: str) -> int:
        try:
            await workflow.execute_activity(
                "pay", order, start_to_close_timeout=MINUTE, retry_policy=ONCE
            )
        except ActivityError:
            await workflow.execute_activity("note", order, start_to_close_timeout=MINUTE)
        return await workflow.execute_activity(
            "look", result_type=int, start_to_close_timeout=MINUTE
        )


Seen = tuple[list[object], dict[str, int], int]


async def ends(run: Any, world: type[Shelf], max_faults: int = 1, **options: Any) -> Seen:
    """All the ways in which it ended; what needed no run; the runs."""
    found: list[object] = []

    def note(shelf: Shelf, outcome: Outcome) -> None:
        calls = [(one.attempt.activity_type, one.when, one.result) for one in outcome.calls]
        one = (outcome.result, outcome.duration, shelf.left, shelf.undone, calls)
        if one not in found:
            found.append(copy.deepcopy(one))

    report = await explore(
        *(run, "O-1"), world=world, invariants=[note], max_faults=max_faults, **options
    )
    assert report.raise_if_violated().exhausted
    return found, dict(report.pruned), sum(report.runs.values())


@pytest.mark.parametrize("max_faults", [1, 2])
@pytest.mark.parametrize("run", [Blind.run, Looking.run])
async def test_it_ends_in_all_the_ways_in_which_it_ends_with_the_workflow(
    run: Any, max_faults: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    some, pruned, fewer = await ends(run, Shelf, max_faults)
    monkeypatch.setattr(search, "holds_elsewhere", _never)
    every, none, runs = await ends(run, Shelf, max_faults)
    assert UNSEEN not in none
    assert fewer == runs - pruned[UNSEEN]
    assert all(one in some for one in every)
    assert all(one in every for one in some)


def _never(process: object, course: object, what: object) -> bool:
    return False


async def told_apart(run: Any, world: type[Shelf], monkeypatch: pytest.MonkeyPatch) -> Any:
    """For each moment at which the payment lands late, whether it holds without a run."""
    found: dict[str, bool] = {}

    def noted(process: Any, course: Course, landing: Landing) -> bool:
        holds = holds_elsewhere(process, course, landing)
        if course.faults[0].step == "pay":
            found[landing.name] = holds
        return holds

    monkeypatch.setattr(search, "holds_elsewhere", noted)
    await ends(run, world)
    return found


async def test_only_what_nobody_sees_needs_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told_apart(Blind.run, Shelf, monkeypatch) == {
        "after note 1 of Blind, attempt 1": True,
        "after note 2 of Blind, attempt 1": True,
    }
    assert await told_apart(Looking.run, Shelf, monkeypatch) == {
        "after note 1 of Looking, attempt 1": False,  # the look would find one less
        "after look 1 of Looking, attempt 1": True,
    }


async def test_a_zombie_that_beats_has_the_workflow_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await told_apart(Blind.run, BeatingShelf, monkeypatch)
    assert set(found.values()) == {False}


async def test_what_does_not_hold_in_the_world_alone_is_shown_with_the_workflow() -> None:
    def no_note_of_one_left(shelf: Shelf, _: Any) -> None:
        assert "noted again with 1" not in shelf.undone

    for when in ("invariants", "always"):
        options: dict[str, Any] = {"invariants": [], when: [no_note_of_one_left]}
        report = await explore(
            *(Blind.run, "O-1"), world=Shelf, max_faults=1, cancel=False, kill=False, **options
        )
        assert report.counterexample is not None
        assert report.counterexample.faults == (
            Fault("Blind", "pay", 1, 1, "zombie", "after note 1 of Blind, attempt 1"),
        )
        assert "  world     note('again') -> None" in report.counterexample.timeline
