"""Votes: what a quorum is, when a level is decided, and who ends a request otherwise."""

from __future__ import annotations

import pytest

from musterwerk.approvals import Escalation, Level, Policy, views
from musterwerk.approvals.acts import Withdraw
from tests.approvals.people import DAY, FINANCE, Company


def test_one_of_a_group_is_enough() -> None:
    company = Company(FINANCE)
    assert company.decide("ben").verdict == "applied"
    assert (company.state.state, company.state.by) == ("approved", ("ben",))
    assert str(views.decision(company.state)) == "approved"


def test_a_rejection_needs_a_reason_and_says_it() -> None:
    company = Company(FINANCE)
    assert company.decide("ben", "reject", reason=" ").verdict == "invalid"
    company.decide("ben", "reject", reason="too much")
    assert str(views.decision(company.state)) == "rejected: too much"


@pytest.mark.parametrize(
    ("quorum", "voters"), [("any", 1), (2, 2), ("all", 3), ("50%", 2), ("34%", 2), ("33%", 1)]
)
def test_quorum(quorum: int | str, voters: int) -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=quorum))
    for number, person in enumerate(["anna", "ben", "carla"][:voters], 1):
        assert company.state.is_open
        assert company.decide(person).ok, number
    assert company.state.state == "approved"


def test_one_rejection_ends_it_unless_the_policy_wants_more() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=2, rejections=2))
    company.decide("anna", "reject")
    assert company.state.is_open
    company.decide("ben", "reject")
    assert company.state.state == "rejected"


def test_a_split_cannot_hang() -> None:
    """One rejects, two cannot both agree any more: nobody is left who could decide it."""
    company = Company(Policy(approvers=("group:finance",), quorum="all", rejections=3))
    company.decide("anna", "reject")
    assert (company.state.state, company.state.reason) == (
        "rejected",
        "no outcome can reach its quorum any more",
    )


def test_a_split_waits_for_those_it_escalates_to() -> None:
    policy = Policy(
        approvers=("anna", "ben"),
        quorum="all",
        rejections=2,
        escalations=(Escalation(after=DAY, to=("mia",)),),
    )
    company = Company(policy)
    company.decide("anna", "reject")
    assert company.state.is_open
    company.wait(DAY)
    assert company.decide("mia").ok
    assert (company.state.state, company.state.by) == ("approved", ("mia",))


def test_votes_for_different_outcomes_are_counted_apart() -> None:
    company = Company(
        Policy(approvers=("group:finance",), quorum=2),
        outcomes=("approve", "reject", "ask_customer"),
    )
    company.decide("anna", "ask_customer")
    company.decide("ben")
    assert company.state.is_open
    company.decide("carla", "ask_customer")
    assert (company.state.state, company.state.outcome) == ("ask_customer", "ask_customer")
    assert company.state.by == ("anna", "carla")


def test_levels_decide_one_after_the_other() -> None:
    policy = Policy(levels=(Level(approvers=("group:finance",)), Level(approvers=("mia",))))
    company = Company(policy)
    assert company.decide("mia").verdict == "not_entitled"
    assert "level 2" in company.decide("anna").message
    assert company.decide("ben").verdict == "not_entitled"
    company.decide("mia")
    assert (company.state.state, company.state.by) == ("approved", ("anna", "mia"))


def test_no_outcome_skips_a_level_unless_it_says_so() -> None:
    levels = (Level(approvers=("anna",)), Level(approvers=("mia",)))
    names = ("approve", "limited", "reject", "ask_customer")
    company = Company(Policy(levels=levels), outcomes=names, ends_at_once=("ask_customer",))
    company.decide("anna", "limited")
    assert company.state.is_open
    company.decide("mia")
    assert (company.state.state, company.state.by) == ("approved", ("mia",))
    other = Company(Policy(levels=levels), outcomes=names, ends_at_once=("ask_customer",))
    other.decide("anna", "ask_customer")
    assert other.state.state == "ask_customer"


def test_withdrawing() -> None:
    company = Company(FINANCE, requester="shop")
    assert company.act(Withdraw(id="w", by="anna")).verdict == "not_entitled"
    assert company.act(Withdraw(id="w2", by="shop", reason="paid otherwise")).ok
    decision = views.decision(company.state)
    assert (decision.state, decision.approved, decision.reason) == (
        "withdrawn",
        False,
        "paid otherwise",
    )


def test_a_bare_signal_counts_only_where_the_policy_says_so() -> None:
    refused = Company(FINANCE).decide("anonymous", channel="signal")
    assert refused.verdict == "not_entitled"
    company = Company(Policy(approvers=("anna",), allow_anonymous=True))
    assert company.decide("anonymous", channel="signal").ok
    assert company.state.state == "approved"


def test_an_id_stands_for_one_act_whatever_way_it_comes() -> None:
    """Whoever rejects would be told that their approval counts."""
    company = Company(Policy(approvers=("group:finance",), quorum=2))
    first = company.decide("anna", id="K1", channel="library")
    assert company.decide("anna", id="K1", channel="rest") == first
    other = company.decide("anna", "reject", id="K1", channel="rest")
    assert (other.verdict, other.ok) == ("invalid", False)
    assert "another act of yours" in other.message
    assert len(company.state.votes) == 1


def test_nobody_makes_a_story_long_by_being_refused() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=2))
    for _ in range(150):
        assert not company.decide("anna", "reject", reason="").ok
    assert len(company.entries) == 2 + 100
    assert "too much of yours" in company.decide("anna").message
    for number in range(2500):
        company.decide(f"stranger-{number}")
    assert len(company.entries) == 2 + 2000
    assert company.decide("ben").ok
