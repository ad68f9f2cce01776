"""The invariants that are there: each finds what it is for, and none accuses what is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from musterwerk import Saga
from musterwerk.errors import SagaCompensated, UsageError
from musterwerk.saga import TASK_QUEUE, UndoRetry
from musterwerk.testing import (
    STANDARD,
    Simulator,
    explore,
    no_needless_dead_letter,
    terminal_state_reached,
)
from tests.testing.tills import Till

MINUTE = timedelta(minutes=1)
ONCE = RetryPolicy(maximum_attempts=1)
TWICE = RetryPolicy(maximum_attempts=2)


class SoldOut(Till):
    """Sound, but there is nothing to ship."""

    @activity.defn
    async def ship(self, order: str) -> None:
        raise ApplicationError("sold out", non_retryable=True)

    def activities(self) -> list[Callable[..., Any]]:
        return [*super().activities(), self.ship]


@workflow.defn
class Receipt:
    """Waits for the payment."""

    def __init__(self) -> None:
        self.told = False

    @workflow.signal
    def paid(self) -> None:
        self.told = True

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.told)


async def sale_with_receipt(order: str, policy: workflow.ParentClosePolicy) -> None:
    receipt = await workflow.start_child_workflow("Receipt", parent_close_policy=policy)
    await workflow.execute_activity("pay", order, start_to_close_timeout=MINUTE, retry_policy=ONCE)
    await receipt.signal("paid")


@workflow.defn
class WithReceipt:
    """Nobody waits for the receipt of what was not paid."""

    @workflow.run
    async def run(self, order: str) -> None:
        await sale_with_receipt(order, workflow.ParentClosePolicy.REQUEST_CANCEL)


@workflow.defn
class LeavesTheReceipt:
    @workflow.run
    async def run(self, order: str) -> None:
        await sale_with_receipt(order, workflow.ParentClosePolicy.ABANDON)


IMPATIENT = UndoRetry(retry_policy=ONCE, rounds=1)


async def order(saga: Saga, name: str, *, local: bool = False) -> None:
    async with saga:
        await saga.run(
            *("pay", name), undo="pay_back", start_to_close_timeout=MINUTE, local=local,
            retry_policy=TWICE,
        )  # fmt: skip
        await saga.run("ship", name, start_to_close_timeout=MINUTE)


@workflow.defn
class Order:
    @workflow.run
    async def run(self, name: str) -> None:
        await order(Saga(), name)


@workflow.defn
class LocalOrder:
    @workflow.run
    async def run(self, name: str) -> None:
        await order(Saga(), name, local=True)


@workflow.defn
class SendsItsLetters:
    @workflow.run
    async def run(self, name: str) -> None:
        await order(Saga(dead_letters_to=TASK_QUEUE), name)


@workflow.defn
class CallsAtOnce:
    """One attempt to pay back, and somebody is woken up."""

    @workflow.run
    async def run(self, name: str) -> None:
        await order(Saga(undo_retry=IMPATIENT), name)


@workflow.defn
class CallsAtOnceLocally:
    @workflow.run
    async def run(self, name: str) -> None:
        await order(Saga(undo_retry=IMPATIENT), name, local=True)


@workflow.defn
class CallsAtOnceAndSaysSorry:
    """Its own end tells nothing, but the letter was sent."""

    @workflow.run
    async def run(self, name: str) -> None:
        try:
            await order(Saga(undo_retry=IMPATIENT, dead_letters_to=TASK_QUEUE), name)
        except SagaCompensated:
            workflow.logger.info("sorry")


@workflow.defn(name="musterwerk.DeadLetter")
class Letterbox:
    """Stands in for the worker that keeps letters."""

    @workflow.run
    async def run(self, letter: dict[str, Any]) -> None: ...


OTHERS = (Receipt, Letterbox)


WRONG = [
    (LeavesTheReceipt, terminal_state_reached, "nothing left to happen: Receipt "),
    (CallsAtOnce, no_needless_dead_letter, "saga/pay/1 of workflow: its undo failed, then succ"),
    (CallsAtOnceLocally, no_needless_dead_letter, "its undo failed, then succeeded"),
    (CallsAtOnceAndSaysSorry, no_needless_dead_letter, "its undo failed, then succeeded"),
]


@pytest.mark.parametrize(("process", "broken", "says"), WRONG)
async def test_a_bug_breaks_what_is_for_it(
    process: Any, broken: Callable[..., None], says: str
) -> None:
    report = await explore(
        *(process.run, "O-1"), world=SoldOut, invariants=[broken], workflows=OTHERS, max_faults=1
    )
    assert report.counterexample is not None
    (violation,) = report.counterexample.violations
    assert violation.invariant == broken.__name__
    assert says in violation.message


@pytest.mark.parametrize("process", [WithReceipt, Order, LocalOrder, SendsItsLetters])
async def test_what_is_right_is_not_accused(process: Any) -> None:
    """Orders always fail, so that one fault makes an undo be refused, fail often, or for ever."""
    report = await explore(
        *(process.run, "O-1"), world=SoldOut, invariants=STANDARD, workflows=OTHERS, max_faults=1
    )
    assert report.raise_if_violated().exhausted
    assert report.runs[1] > 20


async def test_what_the_server_ended_has_undone_nothing() -> None:
    with Simulator(workflows=[Receipt]) as simulator:
        outcome = simulator.run(Receipt.run, run_timeout=MINUTE)
    with pytest.raises(AssertionError, match="timed out and undid nothing"):
        terminal_state_reached(None, outcome)


async def test_what_speaks_of_the_end_cannot_be_asked_before() -> None:
    for invariant in (terminal_state_reached, no_needless_dead_letter):
        with pytest.raises(UsageError, match="not `always`"):
            invariant(None, None)
