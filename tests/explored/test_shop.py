"""The order desk's workflow, with and without people who release the order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter

from musterwerk.approvals import names
from musterwerk.approvals.model import ACT
from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.shop.release import approval_id
from musterwerk.shop.workflow import OrderFulfillmentWorkflow
from musterwerk.testing import EFFECTS, Fault, Letterbox, Message, Outcome, terminal_state_reached
from tests.explored.desks import CHEAP, DEAR, Desk, order

NOTHING = {"kept": 0, "reserved": 0, "issued": 0, "waiting": 0, "left": 0}
HOUR = timedelta(hours=1)
OURS = (names.FACTS, names.PLAN, names.RECORD)


def decide(outcome: str, at: timedelta | None = HOUR) -> Message:
    act = {"kind": "decide", "id": outcome, "by": "mona", "outcome": outcome, "reason": "seen"}
    return Message("signal", ACT, (act,), to=approval_id("O-1"), at=at)


def all_or_nothing(desk: Desk, outcome: Outcome) -> None:
    """Paid for and sent, or no trace of it; and the customer is told no lie."""
    has = desk.services.has("O-1")
    mails = has.pop("mails")
    if outcome.status == "completed" and outcome.result.status == "fulfilled":
        assert has == {**NOTHING, "kept": has["kept"], "issued": 2, "left": 2}
        assert has["kept"] in (CHEAP, DEAR)
        assert "failure" not in mails
    elif outcome.status != "running":
        assert has == NOTHING, has
        assert "confirmation" not in mails


def never_for_nothing(desk: Desk, _: Any) -> None:
    """No parcel leaves that is not paid; no goods leave without their parcel."""
    has = desk.services.has("O-1")
    assert not has["left"] or has["kept"], has
    assert not has["issued"] or has["left"], has


def only_if_released(desk: Desk, _: Any) -> None:
    stands = desk.office.stands.get(approval_id("O-1"))
    if desk.services.has("O-1")["left"]:
        assert stands is not None, "sent, and nobody was asked"
        assert stands["outcome"] == "approve", stands["state"]


def told_how_it_ended(desk: Desk, outcome: Outcome) -> None:
    """What is on record is what came of it, once the request's own workflow has ended."""
    stands = desk.office.stands.get(approval_id("O-1"))
    if stands is not None and outcome.status != "running" and outcome.stopped is None:
        assert stands["state"] not in ("open", "info_requested"), stands["state"]


def possible(fault: Fault) -> bool:
    """Musterwerk's own activities refuse nothing: their workflow tries again for ever."""
    final = ("refused", "final error after the effect")
    return not (fault.step in OURS and fault.kind in final)


def about_the_release(fault: Fault) -> bool:
    """The rest is tried with two faults where nobody is asked."""
    elsewhere = fault.step and fault.step not in (*OURS, "charge_payment", "create_shipment")
    return possible(fault) and not elsewhere


EVER = (all_or_nothing, terminal_state_reached, *EFFECTS)
#: A search through thousands of runs hangs later than other tests.
pytestmark = pytest.mark.timeout(2400)


@pytest.mark.explore(max_faults=2, hurry=True)
async def test_an_order(explore: Any, complete: Any) -> None:
    report = await explore(
        *(OrderFulfillmentWorkflow.run, order(CHEAP)),
        world=Desk,
        invariants=EVER,
        always=[never_for_nothing],
        workflows=[ApprovalWorkflow, Letterbox],
        data_converter=pydantic_data_converter,
    )
    complete(report)
    assert {"completed", "canceled"} <= report.statuses.keys()


@pytest.mark.explore(hurry=True)
@pytest.mark.parametrize(
    ("outcome", "max_faults", "what"), [("approve", 2, about_the_release), ("reject", 1, possible)]
)
async def test_an_order_that_people_release(
    explore: Any, complete: Any, outcome: str, max_faults: int, what: Any
) -> None:
    report = await explore(
        *(OrderFulfillmentWorkflow.run, order(DEAR)),
        world=Desk,
        invariants=[*EVER, told_how_it_ended],
        always=[never_for_nothing, only_if_released],
        workflows=[ApprovalWorkflow, Letterbox],
        possible=what,
        max_faults=max_faults,
        messages=[decide(outcome)],
        data_converter=pydantic_data_converter,
    )
    complete(report)
