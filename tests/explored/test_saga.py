"""`Saga` under every set of two faults, option by option.

A case has a small saga and what its option promises. What holds whatever happens is asked under
all faults. A promise that holds as long as only some steps go wrong is a case of its own, in which
only these can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from musterwerk.testing import EFFECTS, Fault, Letterbox, Message, terminal_state_reached
from musterwerk.testing import explore as explore_all
from tests.explored import promises, sagas
from tests.explored.accounts import Accounted, Counted, Slow
from tests.explored.promises import Promise, all_or_nothing
from tests.mutants import correct_saga_course as course
from tests.mutants.invariants import one_parcel_at_most

EVER: Sequence[Callable[[Any, Any], None]] = (*EFFECTS, terminal_state_reached)
CANCELLED = "arrives during the activity"
FINAL = ("refused", "final error after the effect", "fails for ever")


@dataclass(frozen=True)
class Case:
    """`statuses` are all the ways in which it ends, or else the promise was not put to the test."""

    name: str
    workflow: type[Any]
    invariants: Sequence[Promise]
    world: type[Accounted] = Accounted
    args: tuple[Any, ...] = ("O-1",)
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    statuses: frozenset[str] = frozenset(("completed", "failed", "canceled"))


def only(step: str, *but: str) -> dict[str, Any]:
    """Nothing goes wrong but this step, and nobody cancels."""

    def possible(fault: Fault) -> bool:
        return fault.step == step and fault.kind not in but

    return {"possible": possible, "cancel": False}


def without(step: str, *, but: str = "") -> dict[str, Any]:
    """Of this step nothing goes wrong, or only this."""

    def possible(fault: Fault) -> bool:
        return fault.step != step or fault.kind == but

    return {"possible": possible}


def refusal(fault: Fault) -> bool:
    return fault.kind == "refused"


def first_parcel_only(fault: Fault) -> bool:
    return (fault.step, fault.occurrence) == ("ship", 1) and fault.kind != "fails for ever"


def answer(step: str, action: str, at: Any) -> Message:
    """An operator's word, which comes in every run, whether or not anybody asked."""
    word = {"step": step, "action": action, "by": "otto", "reason": "looked"}
    return Message("update", "saga_resolve", (word,), at=at)


def operator(step: str) -> dict[str, Any]:
    """First says that it is to be tried again, and then gives it up."""
    return {
        "messages": [
            answer(step, "retry", promises.FIRST_WORD),
            answer(step, "skip", promises.LAST_WORD),
        ]
    }


PAID, BOTH = all_or_nothing("payments"), all_or_nothing("payments", "stock")
UNDONE = promises.ends_as_undone
DONE = frozenset(("completed",))
DONE_OR_UNDONE = frozenset(("completed", "failed"))
NEVER_DONE = frozenset(("failed", "canceled"))
NEVER_FAILED = frozenset(("completed", "canceled"))

#: Workers die in other cases: this is about what was done, not about what is replayed.
SAFE = {"kill": False}
#: Where `tell` only stands for whatever fails after the step.
TOLD = without("tell", but="refused")

CASES = (
    Case("compensate", sagas.Undoes, [BOTH, UNDONE], options=SAFE),
    Case(
        "last-first", sagas.UndoesInOrder, [promises.one_after_the_other], Slow,
        options=only("ship"), statuses=DONE_OR_UNDONE,
    ),
    Case("probe", sagas.Asks, [PAID, UNDONE], options=SAFE),
    Case(
        "probe-is-believed", sagas.Asks, [PAID, promises.the_answer_decides],
        options=only("charge", *FINAL), statuses=DONE_OR_UNDONE,
    ),
    Case("retry", sagas.Insists, [PAID, UNDONE]),
    Case(
        "retry-until-known", sagas.Insists, [promises.is_done_at_last],
        options=only("charge", *FINAL), statuses=DONE,
    ),
    Case("escalate", sagas.CallsSomebody, [PAID, UNDONE], options=operator("charge/1") | SAFE),
    Case(
        "escalate-and-wait", sagas.CallsSomebody, [PAID, promises.waits_for_a_word], Counted,
        options=only("charge", *FINAL) | operator("charge/1"), statuses=DONE_OR_UNDONE,
    ),
    Case(
        "parallel-undo", sagas.UndoesBothAtOnce, [BOTH, UNDONE], options=without("reserve") | SAFE
    ),
    Case(
        "parallel-undo-side-by-side", sagas.UndoesInOrder, [promises.side_by_side], Slow,
        ("O-1", True), options=only("ship"), statuses=DONE_OR_UNDONE,
    ),
    # The undos of the two branches are alike.
    Case("gather", sagas.Branches, [BOTH, UNDONE], options=without("release") | SAFE),
    Case(
        "gather-settles", sagas.Branches,
        [BOTH, promises.settled_first, promises.side_by_side], Slow,
        options=only("charge", "zombie"), statuses=DONE_OR_UNDONE,
    ),
    Case(
        "compensate-to", sagas.TriesAnew,
        [all_or_nothing("payments", "parcels"), one_parcel_at_most, UNDONE],
        options=SAFE,
    ),
    Case(
        "compensate-to-a-checkpoint", sagas.TriesAnew, [promises.the_first_part_stays],
        options={"possible": first_parcel_only, "cancel": False}, statuses=DONE,
    ),
    Case(
        "compensate-and-go-on", sagas.TakesAnotherWay, [promises.one_way_or_another, UNDONE],
        options=SAFE,
    ),
    Case(
        "pivot", sagas.GoesForward, [promises.no_way_back], Counted,
        options={"messages": [answer("ship/1", "skip", timedelta(minutes=10))]} | SAFE,
    ),
    Case("pivot-and-a-failure", sagas.FailsForward, [promises.forward_only], Counted, options=TOLD),
    Case(
        "deadline", sagas.WaitsForAWord, [PAID, UNDONE, promises.in_time],
        options={"messages": [Message("signal", "go")]} | SAFE,
    ),
    Case("refusals", sagas.KnowsRefusals, [PAID, UNDONE], options=SAFE),
    Case(
        "refusals-have-no-undo", sagas.KnowsRefusals, [promises.nothing_to_undo], Counted,
        options={"possible": refusal, "cancel": False},
        statuses=DONE_OR_UNDONE,
    ),
    Case(
        "undo-on", sagas.ChangesItsMind, [PAID, UNDONE], options=SAFE, statuses=NEVER_DONE
    ),
    Case("add-compensation", sagas.AddsAnUndo, [PAID, UNDONE]),
    Case(
        "run-child", sagas.HasAChild, [PAID, UNDONE],
        options={"workflows": [course.HoldingPayment]} | TOLD | SAFE,
    ),
    Case(
        "run-child-killed", sagas.HasAChild, [PAID, UNDONE],
        options={"workflows": [course.HoldingPayment], "cancel": False} | TOLD,
        statuses=DONE_OR_UNDONE,
    ),
    Case("continue-as-new", sagas.GoesOnAsNew, [PAID, UNDONE], options=TOLD),
    Case("local", sagas.StaysAtHome, [PAID, UNDONE, promises.never_leaves_home], Counted),
    Case(
        "undo-retry", sagas.SoonCallsForHelp, [promises.help_comes_in_time],
        options=only("refund", *FINAL), statuses=frozenset(("failed",)),
    ),
    Case(
        "dead-letters-to", sagas.SoonCallsForHelp, [PAID, UNDONE, promises.each_letter_is_sent],
        args=("O-1", sagas.LETTERS),
        options={"workflows": [Letterbox]} | without("charge") | SAFE,
        statuses=NEVER_DONE,
    ),
    Case("uncancellable", sagas.SaysHowItEnded, [promises.hears_of_it], options=SAFE),
)  # fmt: skip


@pytest.mark.explore(max_faults=2, hurry=True)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_an_option(explore: Any, complete: Any, case: Case) -> None:
    report = await explore(
        *(case.workflow.run, *case.args),
        world=case.world,
        invariants=[*case.invariants, *EVER],
        **case.options,
    )
    complete(report)
    if report.exhausted and report.max_faults == 2:
        assert report.statuses.keys() - {"running"} == case.statuses


@pytest.mark.parametrize(
    ("world", "kinds"), [(Counted, ["worker killed in the task", CANCELLED]), (Slow, [CANCELLED])]
)
async def test_a_local_step_is_lost_with_its_task(world: type[Accounted], kinds: list[str]) -> None:
    """As the manual warns: the history knows nothing of it before its task ends."""
    found = await explore_all(
        *(sagas.StaysAtHome.run, "O-1", True), world=world, invariants=[BOTH], hurry=True
    )
    assert found.counterexample is not None
    assert [one.kind for one in found.counterexample.faults] == kinds
