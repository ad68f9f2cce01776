"""What holds for any policy and any course of events."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from musterwerk.approvals import Escalation, Policy, views
from musterwerk.approvals.acts import Act, Amend, Ask, Claim, Decide, Delegate, Release
from musterwerk.approvals.seats import Roll, level_votes
from musterwerk.approvals.state import ApprovalState
from tests.approvals.people import DAY, PEOPLE, Company

acts: st.SearchStrategy[Act] = st.one_of(
    st.builds(
        Decide,
        id=st.text("abc", min_size=3, max_size=6),
        by=st.sampled_from(PEOPLE),
        outcome=st.sampled_from(["approve", "reject", "other"]),
        reason=st.just("why"),
    ),
    st.builds(Claim, id=st.uuids().map(str), by=st.sampled_from(PEOPLE)),
    st.builds(Release, id=st.uuids().map(str), by=st.sampled_from(PEOPLE)),
    st.builds(
        Delegate, id=st.uuids().map(str), by=st.sampled_from(PEOPLE), to=st.sampled_from(PEOPLE)
    ),
    st.builds(Ask, id=st.uuids().map(str), by=st.sampled_from(PEOPLE), text=st.just("?")),
    st.builds(Amend, id=st.uuids().map(str), by=st.just("rita"), details=st.integers(1, 9)),
)


policies = st.builds(
    Policy,
    approvers=st.lists(st.sampled_from(["anna", "ben", "group:finance", "mia"]), min_size=1),
    quorum=st.sampled_from([1, 2, "all", "60%"]),
    rejections=st.integers(1, 3),
    four_eyes=st.booleans(),
    remind_every=st.sampled_from([None, DAY]),
    escalations=st.sampled_from([(), (Escalation(after=2 * DAY, to=("group:managers",)),)]),
    expires_after=st.just(5 * DAY),
)


@given(policies, st.lists(st.one_of(acts, st.sampled_from([DAY / 2, DAY])), max_size=30))
def test_whatever_happens(policy: Policy, events: list[Any]) -> None:
    """It ends at its deadline at the latest; its story has no gap; the state survives JSON."""
    company = Company(policy, outcomes=("approve", "reject", "other"))
    for event in events:
        before = company.state
        if isinstance(event, timedelta):
            company.wait(event)
        else:
            reply = company.act(event)
            if not before.is_open:
                assert not reply.ok or event.id in before.replies
        if not before.is_open:
            assert company.state.outcome == before.outcome
            assert company.state.votes == before.votes
        status = views.status(company.state)
        roll = Roll(company.state, company.facts(company.state.request))
        voted = {vote.person for vote in level_votes(company.state)}
        for person in {*PEOPLE} - voted if company.state.is_open else ():
            seen = person not in status.excluded
            assert seen or not roll.seats_of(person), "an inbox hides what its owner may decide"
        assert ApprovalState.read(company.state.as_json()) == company.state
    company.wait(5 * DAY)
    assert not company.state.is_open
    assert [entry.number for entry in company.entries] == list(range(1, len(company.entries) + 1))
    for first, second in pairwise(company.entries):
        assert second.record == second.seal(first.record)
        assert first.at <= second.at
    people = [vote.person for vote in company.state.votes]
    assert len(set(people)) == len(people), "nobody counts twice on a level"
