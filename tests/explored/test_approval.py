"""A request for approval by itself: one decides after an hour, another whenever they like."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter

from musterwerk.approvals.model import ACT
from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.shop.release import ReleaseRule
from musterwerk.testing import Message, Outcome, terminal_state_reached
from tests.explored.desks import DEAR, Desk, order
from tests.explored.test_shop import HOUR, possible

REQUEST = ReleaseRule().request(order(DEAR)).as_json()


def act(by: str, outcome: str, at: timedelta | None = None) -> Message:
    given = {"kind": "decide", "id": by, "by": by, "outcome": outcome, "reason": "seen"}
    return Message("signal", ACT, (given,), at=at)


def the_record_is_the_decision(desk: Desk, outcome: Outcome) -> None:
    """What was told ends as the workflow says that it ended."""
    if outcome.status != "completed":
        return
    (stands,) = desk.office.stands.values()
    told = {name: stands[name] for name in ("state", "outcome", "by")}
    assert told == {name: outcome.result[name] for name in told}
    assert _events(desk).count("ended") == 1


def the_story_has_no_gap(desk: Desk, _: Any) -> None:
    numbers = sorted(key[-1] for key in desk.office.story)
    assert numbers == list(range(1, len(numbers) + 1))


def whoever_is_told_so_has_decided(desk: Desk, _: Any) -> None:
    """A reply that says "applied" is one of a vote on record, and only one vote decides."""
    replies = [one for one in desk.office.replies.values() if one["actor"] in ("mona", "moritz")]
    applied = [one["actor"] for one in replies if one["verdict"] == "applied"]
    voters = [vote["person"] for one in desk.office.stands.values() for vote in one["votes"]]
    assert applied == voters
    assert len(voters) <= 1


def _events(desk: Desk) -> list[str]:
    return [entry["event"] for entry in desk.office.story.values()]


@pytest.mark.timeout(600)
@pytest.mark.explore(max_faults=2, hurry=True)
async def test_a_request_that_people_decide(explore: Any, complete: Any) -> None:
    report = await explore(
        *(ApprovalWorkflow.run, REQUEST),
        world=Desk,
        invariants=[the_record_is_the_decision, terminal_state_reached],
        always=[the_story_has_no_gap, whoever_is_told_so_has_decided],
        possible=possible,
        messages=[act("mona", "approve"), act("moritz", "reject", HOUR)],
        data_converter=pydantic_data_converter,
    )
    complete(report)
    assert {"completed"} <= report.statuses.keys()
