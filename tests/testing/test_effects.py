"""What has to hold of effects: broken by the flaw that each is for, and by no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from musterwerk.errors import UsageError
from musterwerk.testing import (
    EFFECTS,
    effects_at_most_once,
    explore,
    nothing_after_undo,
    undo_after_do_only,
)
from tests.testing.tills import Till

MINUTE = timedelta(minutes=1)
ONCE = RetryPolicy(maximum_attempts=1)
TWICE = RetryPolicy(maximum_attempts=2)


class Bank(Till):
    """Sound, and its states can be compared."""

    def state(self) -> object:
        return self.paid, self.undone, self.effects.state()


class PaysAgain(Bank):
    @activity.defn
    async def pay(self, order: str) -> None:
        if order not in self.undone:
            self.paid.add(order)
            self.effects.do("pay", order)


class PaysBackBlindly(Bank):
    @activity.defn
    async def pay_back(self, order: str, _: None = None) -> None:
        if order not in self.undone:
            self.undone.add(order)
            self.effects.undo("pay", order)


class ForgetsUndos(Bank):
    @activity.defn
    async def pay(self, order: str) -> None:
        if order not in self.paid:
            self.paid.add(order)
            self.effects.do("pay", order)


@workflow.defn
class Refused:
    """Pays, and pays back if that fails."""

    @workflow.run
    async def run(self, order: str) -> None:
        try:
            await workflow.execute_activity(
                "pay", order, start_to_close_timeout=MINUTE, retry_policy=TWICE
            )
        except ActivityError:
            await workflow.execute_activity("pay_back", order, start_to_close_timeout=MINUTE)


@workflow.defn
class TriedOnce:
    """The same with one attempt: a late payment finds that it was undone before it came."""

    @workflow.run
    async def run(self, order: str) -> None:
        try:
            await workflow.execute_activity(
                "pay", order, start_to_close_timeout=MINUTE, retry_policy=ONCE
            )
        except ActivityError:
            await workflow.execute_activity("pay_back", order, start_to_close_timeout=MINUTE)


@pytest.mark.parametrize(
    ("process", "world", "broken", "says"),
    [
        (Refused, PaysAgain, effects_at_most_once, "pay O-1: do 2 times (do do"),
        (Refused, PaysBackBlindly, undo_after_do_only, "pay O-1 was undone first (undo"),
        (Refused, ForgetsUndos, nothing_after_undo, "pay O-1 took effect after its undo ("),
        (
            TriedOnce,
            ForgetsUndos,
            nothing_after_undo,
            "pay O-1 took effect after its undo (empty-undo do",
        ),
    ],
)
async def test_a_flaw_breaks_what_is_for_it(
    process: Any, world: type[Bank], broken: Callable[..., None], says: str
) -> None:
    report = await explore(*(process.run, "O-1"), world=world, invariants=[broken])
    assert report.counterexample is not None
    (violation,) = report.counterexample.violations
    assert violation.invariant == broken.__name__
    assert violation.message.startswith(says)


async def test_a_sound_world_breaks_none() -> None:
    report = await explore(*(Refused.run, "O-1"), world=Bank, invariants=EFFECTS)
    assert report.raise_if_violated().exhausted
    assert report.pruned["equal state"] > 0


def test_what_comes_after_its_undo_is_noticed() -> None:
    bank = Bank().__enter__()
    bank.effects.do("pay", "O-1")
    bank.effects.undo("pay", "O-1")
    nothing_after_undo(bank, None)
    bank.effects.do("pay", "O-1")
    with pytest.raises(AssertionError, match=r"pay O-1 took effect .* \(do undo do\)"):
        nothing_after_undo(bank, None)


def test_an_undo_that_finds_nothing_is_no_effect() -> None:
    bank = Bank().__enter__()
    for found in (False, False, True):
        bank.effects.undo("pay", "O-1", found=found)
    assert bank.effects.by_key() == {("pay", "O-1"): "empty-undo undo"}
    effects_at_most_once(bank, None)
    with pytest.raises(AssertionError, match="undone first"):
        undo_after_do_only(bank, None)


async def test_a_world_without_an_account_is_told_how_to_keep_one() -> None:
    class Plain(Bank):
        def __enter__(self) -> Self:
            super().__enter__()
            del self.effects
            return self

        def state(self) -> object:
            return None

    with pytest.raises(UsageError, match=r"Plain keeps no account of its effects"):
        await explore(*(Refused.run, "O-1"), world=Plain, invariants=EFFECTS, max_faults=0)
