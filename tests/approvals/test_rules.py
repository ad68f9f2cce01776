"""The rules of deciding, without a workflow, a clock or a database."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from musterwerk.approvals import ApprovalRequest, Escalation, Level, Policy, rules, views
from musterwerk.approvals.acts import (
    Act,
    Amend,
    Ask,
    Claim,
    Comment,
    Decide,
    Delegate,
    Inform,
    Release,
    Withdraw,
    read_act,
)
from musterwerk.approvals.clock import next_due
from musterwerk.approvals.seats import why_never
from musterwerk.approvals.state import ApprovalState
from tests.approvals.people import PEOPLE, START, Company

DAY = timedelta(days=1)
DEEP: Any = json.loads("[" * 60 + "]" * 60)
FINANCE = Policy(approvers=("group:finance",))


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


class TestFourEyes:
    policy = Policy(approvers=("group:finance",), four_eyes=True)

    def test_the_requester_does_not_decide(self) -> None:
        company = Company(self.policy, requester="anna")
        assert company.decide("anna").verdict == "excluded"
        assert company.decide("ben").ok

    def test_nor_does_who_stands_in_for_them(self) -> None:
        company = Company(self.policy, requester="rita", away={"rita": ["anna"]})
        assert company.decide("anna").verdict == "excluded"

    def test_nor_can_the_requester_be_given_somebodys_place(self) -> None:
        company = Company(self.policy, requester="rita")
        reply = company.act(Delegate(id="d", by="anna", to="rita"))
        assert reply.verdict == "excluded"

    def test_nor_who_sent_it_in_the_name_of_a_service(self) -> None:
        company = Company(self.policy, requester="shop", sender="anna")
        assert company.decide("anna").verdict == "excluded"

    def test_nor_does_an_operator_help_themselves(self) -> None:
        company = Company(self.policy)
        mine = Delegate(id="d", by="otto", to="otto", holder="anna")
        assert company.act(mine).verdict == "excluded"

    def test_nobody_decides_two_levels(self) -> None:
        levels = (Level(approvers=("group:finance",)), Level(approvers=("group:finance",)))
        company = Company(Policy(levels=levels, four_eyes=True))
        company.decide("anna")
        assert company.decide("anna").verdict == "excluded"
        assert company.decide("ben").ok
        assert company.state.state == "approved"

    def test_without_them_one_may(self) -> None:
        levels = (Level(approvers=("anna",)), Level(approvers=("anna",)))
        company = Company(Policy(levels=levels))
        company.decide("anna")
        company.decide("anna")
        assert company.state.state == "approved"

    def test_but_the_requester_hears_how_it_ended(self) -> None:
        company = Company(self.policy)
        company.decide("anna")
        ended = company.told("ended")[0]
        assert "rita" in ended.to
        assert "rita" not in ended.but


class TestPlaces:
    def test_a_person_counts_once_also_as_a_substitute(self) -> None:
        company = Company(Policy(approvers=("anna", "ben"), quorum=2), away={"ben": ["anna"]})
        company.decide("anna")
        assert company.decide("anna", on_behalf_of="ben").verdict == "already_decided"
        assert company.state.is_open
        assert company.decide("ben").ok
        assert company.state.state == "approved"

    def test_a_substitute_takes_the_place_of_who_is_away(self) -> None:
        company = Company(Policy(approvers=("anna",)), away={"anna": ["otto"]})
        assert company.decide("otto").ok
        assert company.state.votes[0].on_behalf_of == "anna"

    def test_a_place_is_filled_once(self) -> None:
        company = Company(Policy(approvers=("anna", "ben"), quorum=2), away={"anna": ["otto"]})
        company.decide("otto")
        late = company.decide("anna")
        assert late.verdict == "already_decided"
        assert "otto has decided" in late.message

    def test_nobody_can_take_the_place_of_who_is_there(self) -> None:
        company = Company(FINANCE)
        assert company.decide("anna", on_behalf_of="ben").verdict == "not_entitled"

    def test_a_delegate_decides_instead(self) -> None:
        company = Company(Policy(approvers=("anna",)))
        assert company.act(Delegate(id="d", by="anna", to="otto")).ok
        assert company.decide("anna").verdict == "not_entitled"
        assert company.decide("otto").ok
        assert company.told("delegated")[0].to == ("otto",)

    def test_a_delegate_can_delegate_further_and_the_first_take_it_back(self) -> None:
        company = Company(Policy(approvers=("anna",)))
        company.act(Delegate(id="d1", by="anna", to="otto"))
        assert company.act(Delegate(id="d2", by="otto", to="mia")).ok
        assert company.decide("otto").verdict == "not_entitled"
        assert company.act(Delegate(id="d3", by="anna", to="anna")).ok
        assert company.decide("mia").verdict == "not_entitled"
        assert company.decide("anna").ok

    def test_a_circle_of_delegates_gives_the_place_back(self) -> None:
        company = Company(Policy(approvers=("anna",)))
        company.act(Delegate(id="d1", by="anna", to="otto"))
        company.act(Delegate(id="d2", by="otto", to="anna"))
        assert company.decide("anna").ok

    def test_two_places_of_one_person_are_one_vote(self) -> None:
        company = Company(Policy(approvers=("group:finance",), quorum="all"))
        assert company.act(Delegate(id="d1", by="ben", to="anna")).verdict == "invalid"
        assert company.act(Delegate(id="d2", by="ben", to="otto")).ok
        assert company.act(Delegate(id="d3", by="carla", to="otto")).verdict == "invalid"

    def test_only_an_operator_gives_away_what_is_anothers(self) -> None:
        company = Company(Policy(approvers=("anna",)))
        assert company.act(Delegate(id="d1", by="mia", to="max", holder="anna")).verdict == (
            "not_entitled"
        )
        assert company.act(Delegate(id="d2", by="otto", to="max", holder="anna")).ok
        assert company.decide("max").ok

    def test_a_substitute_has_no_place_to_give_away(self) -> None:
        company = Company(Policy(approvers=("anna",)), away={"anna": ["otto"]})
        assert company.act(Delegate(id="d", by="otto", to="max")).verdict == "not_entitled"

    def test_who_leaves_the_group_decides_no_more_but_their_vote_stays(self) -> None:
        company = Company(Policy(approvers=("group:finance",), quorum=2))
        company.decide("anna")
        company.groups["group:finance"] = ("carla",)
        assert company.decide("ben").verdict == "not_entitled"
        assert company.decide("carla").ok
        assert company.state.state == "approved"

    def test_all_means_all_who_are_there(self) -> None:
        company = Company(Policy(approvers=("group:finance",), quorum="all"))
        company.decide("anna")
        company.groups["group:finance"] = ("anna", "ben")
        company.decide("ben")
        assert company.state.state == "approved"

    def test_all_where_one_stands_in_for_another(self) -> None:
        """Anna can speak once; that Ben's place stays open must not hang it for ever."""
        company = Company(Policy(approvers=("anna", "ben"), quorum="all"), away={"ben": ["anna"]})
        company.decide("anna")
        assert company.state.is_open
        company.decide("ben")
        assert company.state.state == "approved"


class TestClaims:
    def test_a_claim_keeps_others_off_until_it_is_released(self) -> None:
        company = Company(FINANCE)
        assert company.act(Claim(id="c", by="anna")).ok
        assert company.act(Claim(id="c2", by="ben")).verdict == "claimed"
        assert company.decide("ben").verdict == "claimed"
        assert company.act(Release(id="r", by="ben")).verdict == "claimed"
        assert company.act(Release(id="r2", by="anna")).ok
        assert company.decide("ben").ok

    def test_an_operator_releases(self) -> None:
        company = Company(FINANCE)
        company.act(Claim(id="c", by="anna"))
        assert company.act(Release(id="r", by="otto")).ok

    def test_an_escalation_releases(self) -> None:
        escalations = (Escalation(after=DAY, to=("group:managers",)),)
        company = Company(Policy(approvers=("anna",), escalations=escalations))
        company.act(Claim(id="c", by="anna"))
        company.wait(DAY)
        assert company.decide("mia").ok

    def test_the_claim_of_who_has_left_holds_up_nobody(self) -> None:
        company = Company(FINANCE)
        company.act(Claim(id="c", by="anna"))
        company.groups["group:finance"] = ("ben",)
        assert company.decide("ben").ok

    def test_where_several_agree_nobody_claims(self) -> None:
        company = Company(Policy(approvers=("group:finance",), quorum=2))
        assert company.act(Claim(id="c", by="anna")).verdict == "invalid"


class TestClock:
    policy = Policy(
        approvers=("group:finance",),
        remind_every=DAY,
        escalations=(Escalation(after=timedelta(days=7), to=("group:managers",)),),
        expires_after=timedelta(days=10),
    )

    def test_the_chapters_course(self) -> None:
        company = Company(self.policy)
        company.wait(timedelta(days=6))
        assert company.decide("mia").verdict == "not_entitled"
        company.wait(DAY)
        assert [n.to for n in company.told("escalated")] == [("group:managers",)]
        assert company.decide("mia", "reject", reason="no budget").ok
        assert str(views.decision(company.state)) == "rejected: no budget"

    def test_nobody_decides(self) -> None:
        company = Company(self.policy)
        company.wait(timedelta(days=10))
        decision = views.decision(company.state)
        assert (decision.state, decision.outcome, decision.by) == ("expired", "reject", ())
        assert str(decision) == "rejected: nobody decided in time"
        assert decision.at == START + timedelta(days=10)

    def test_on_expiry_another_outcome(self) -> None:
        company = Company(Policy(approvers=("anna",), expires_after=DAY, on_expiry="approve"))
        company.wait(DAY)
        assert (company.state.state, views.decision(company.state).approved) == ("expired", True)

    def test_too_late_is_said_and_by_whom_it_ended(self) -> None:
        company = Company(self.policy)
        company.wait(timedelta(days=10))
        late = company.decide("anna")
        assert (late.verdict, late.state) == ("closed", "expired")
        assert "too late" in late.message
        assert company.entries[-1].event == "refused"

    def test_reminders_missed_meanwhile_are_one(self) -> None:
        company = Company(self.policy)
        company.wait(timedelta(days=3, hours=1))
        assert len(company.told("reminded")) == 1
        due = next_due(company.state)
        assert due is not None
        assert due.at == START + timedelta(days=4)

    def test_who_has_decided_is_not_reminded(self) -> None:
        company = Company(self.policy.model_copy(update={"quorum": 2}))
        company.decide("anna")
        company.wait(DAY)
        assert "anna" in company.told("reminded")[0].but

    def test_what_was_said_before_an_escalation_counts_in_it(self) -> None:
        escalations = (Escalation(after=DAY, to=("anna",)),)
        policy = Policy(approvers=("group:finance",), quorum=3, escalations=escalations)
        company = Company(policy)
        company.decide("anna")
        company.wait(DAY)
        assert (company.state.state, company.state.by) == ("approved", ("anna",))

    def test_an_escalation_does_not_shut_out_those_before(self) -> None:
        company = Company(self.policy)
        company.wait(timedelta(days=8))
        assert company.decide("anna").ok


class TestWords:
    def test_asking_back(self) -> None:
        company = Company(FINANCE, requester="shop")
        assert company.act(Ask(id="q", by="anna", text="Which customer?")).ok
        assert company.state.state == "info_requested"
        assert company.told("question")[0].to == ("shop",)
        assert company.act(Inform(id="i1", by="ben", text="C-1")).verdict == "not_entitled"
        assert company.act(Inform(id="i2", by="shop", text="C-17")).ok
        assert company.told("answer")[0].to == ("anna",)
        assert company.state.state == "open"
        assert company.act(Inform(id="i3", by="shop", text="more")).verdict == "invalid"

    def test_while_the_requester_is_asked_it_is_they_who_are_reminded(self) -> None:
        company = Company(Policy(approvers=("anna",), remind_every=DAY), requester="shop")
        company.act(Ask(id="q", by="anna", text="Which customer?"))
        company.wait(DAY)
        assert company.told("reminded") == []
        assert [notice.to for notice in company.told("question")] == [("shop",), ("shop",)]

    def test_a_question_does_not_stop_the_others(self) -> None:
        company = Company(FINANCE)
        company.act(Ask(id="q", by="anna", text="Why?"))
        assert company.decide("ben").ok

    def test_only_who_decides_asks(self) -> None:
        assert Company(FINANCE).act(Ask(id="q", by="mia", text="?")).verdict == "not_entitled"

    def test_anybody_known_comments(self) -> None:
        company = Company(FINANCE)
        assert company.act(Comment(id="c", by="mia", text="hm")).ok
        assert company.act(Comment(id="c2", by="mallory", text="hm")).verdict == "unknown_person"


class TestConsent:
    def test_what_changed_is_not_consented_to(self) -> None:
        company = Company(FINANCE, details={"amount": "10.00"})
        shown = company.state.digest
        company.act(Amend(id="a", by="rita", details={"amount": "9999.00"}))
        assert company.decide("anna", digest=shown).verdict == "changed"
        assert company.decide("anna", digest=company.state.digest).ok

    def test_votes_for_the_old_text_are_void(self) -> None:
        company = Company(Policy(approvers=("group:finance",), quorum=2), details=1)
        company.decide("anna")
        company.act(Amend(id="a", by="rita", details=2))
        company.decide("ben")
        assert company.state.is_open
        assert company.told("amended")[0].to == ("group:finance",)
        assert len(company.told("asked")) == 1, "who is told that it changed is not asked as well"
        company.decide("anna")
        assert company.state.state == "approved"

    def test_only_the_requester_changes_it_and_not_beyond_its_time(self) -> None:
        company = Company(FINANCE, details=1)
        assert company.act(Amend(id="a", by="anna", details=2)).verdict == "not_entitled"
        end = company.state.timeline.expires_at
        company.wait(DAY)
        company.act(Amend(id="b", by="rita", details=2))
        assert company.state.timeline.expires_at == end

    def test_an_answer_of_the_wrong_shape(self) -> None:
        company = Company(FINANCE, answer_schema={"type": "integer"}, flaws=["is no integer"])
        reply = company.decide("anna", answer="x")
        assert (reply.verdict, "is no integer" in reply.message) == ("invalid", True)

    def test_an_answer_that_was_not_asked_for(self) -> None:
        assert Company(FINANCE).decide("anna", answer=1).verdict == "invalid"


def test_a_slow_clock_opens_no_time_that_is_over() -> None:
    """Who stood in for somebody last year is not asked by a message dated last year."""
    company = Company(FINANCE)
    act = Decide(id="1", by="mia", outcome="approve", made_at=START - 365 * DAY)
    assert rules.question(company.state, act, START - 365 * DAY).at == START
    assert rules.question(company.state, act, START + DAY).at == START + DAY


def test_the_same_act_again_gets_the_first_reply() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=2))
    first = company.decide("anna", id="x")
    version = company.state.version
    assert company.decide("anna", id="x") == first
    assert company.state.version == version
    assert len(company.state.votes) == 1


def test_the_same_id_of_somebody_else_is_not_their_act() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=2))
    company.decide("anna", id="1")
    assert company.decide("ben", id="1").verdict == "invalid"
    assert company.decide("ben", id="2").ok
    assert company.state.state == "approved"


def test_what_is_said_fits_into_a_payload() -> None:
    """Answers of many people are told with every step: there is an end to their size."""
    people = tuple(f"p{number}" for number in range(40))
    company = Company(
        Policy(approvers=("group:many",), quorum="all"),
        groups={"group:many": people},
        known=people,
        answer_schema={},
    )
    replies = [company.decide(person, answer="x" * 60_000) for person in people]
    assert [reply.verdict for reply in replies].count("applied") == 4
    assert "there is room for" in replies[-1].message
    assert len(views.status(company.state).model_dump_json()) < 400_000
    for person in people[4:]:
        assert company.decide(person, answer="short").ok
    assert company.state.state == "approved"


def test_a_delegate_who_has_left_gives_the_place_back() -> None:
    company = Company(Policy(approvers=("anna",)))
    company.act(Delegate(id="d", by="anna", to="otto"))
    company.known = tuple(person for person in PEOPLE if person != "otto")
    assert company.decide("otto").verdict == "unknown_person"
    assert company.decide("anna").ok


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


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(approvers=("group:empty",)), "group:empty has nobody in it"),
        (Policy(approvers=("group:nowhere",)), "group:nowhere has nobody in it"),
        (Policy(approvers=("mallory",)), "nobody is known as 'mallory'"),
        (Policy(approvers=("anna", "ben"), quorum=3), "needs 3 of anna, ben, and only anna, ben"),
        (Policy(approvers=("rita",), four_eyes=True), "rita may not: four eyes"),
        (
            Policy(
                approvers=("anna",),
                escalations=(Escalation(after=DAY, to=("group:empty",)),),
            ),
            "group:empty has nobody in it",
        ),
        (
            Policy(levels=(Level(approvers=("anna",)), Level(approvers=("anna",))), four_eyes=True),
            "together need 2 different people, and only anna",
        ),
    ],
)
def test_a_policy_that_can_never_be_met_says_why(policy: Policy, reason: str) -> None:
    request = ApprovalRequest[Any](subject="x", requester="rita", policy=policy)
    company = Company(FINANCE)
    assert reason in "; ".join(why_never(request, company.facts(request)))


def test_a_policy_that_can_be_met_has_no_flaw() -> None:
    policy = Policy(
        levels=(
            Level(approvers=("anna", "ben"), quorum=1),
            Level(approvers=("group:finance",), quorum=2),
        ),
        four_eyes=True,
    )
    request = ApprovalRequest[Any](subject="x", requester="rita", policy=policy)
    assert why_never(request, Company(FINANCE).facts(request)) == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "name either approvers, or levels"),
        ({"approvers": ["anna"], "quorum": 0}, "no quorum"),
        ({"approvers": ["anna"], "quorum": "120%"}, "no quorum"),
        ({"approvers": [" "]}, "names nobody"),
        ({"levels": [{"approvers": ["anna"]}], "quorum": 2}, "belong to each level"),
        (
            {
                "approvers": ["a"],
                "escalations": [{"after": "9 days", "to": ["b"]}],
                "expires_after": "9d",
            },
            "never happens",
        ),
        ({"approvers": ["a"], "typo": 1}, "Extra inputs"),
        ({"approvers": ["a"], "expires_after": "3 months"}, "expires_after"),
        ({"approvers": ["a"], "expires_after": "2 dayz"}, "expires_after"),
        ({"approvers": [str(number) for number in range(201)]}, "at most 200"),
        ({"approvers": ["a"], "four_eyes": True, "allow_anonymous": True}, "neither with"),
        ({"levels": [{"approvers": ["a"]}], "allow_anonymous": True}, "nor with levels"),
    ],
)
def test_policies_that_make_no_sense(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Policy(**fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"subject": "two\nlines"}, "one line"),
        ({"subject": ""}, "at least 1"),
        ({"outcomes": ("approve",)}, "reject"),
        ({"outcomes": ("reject", "expired")}, "none of"),
        ({"details": "x" * 1_600_000}, "keep them where they are"),
        ({"details": float("nan")}, "no JSON"),
        ({"details": "\ud800"}, "no JSON"),
        ({"details": DEEP}, "within each other"),
        ({"ends_at_once": ("other",)}, "no outcomes"),
        ({"answer_schema": {"enum": ["x" * 200_000]}}, "larger than"),
        ({"answer": int, "policy": Policy(approvers=("a",), on_expiry="approve")}, "needs an"),
    ],
)
def test_requests_that_make_no_sense(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ApprovalRequest.model_validate(
            {"subject": "x", "requester": "rita", "policy": FINANCE} | fields
        )


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "decide", "outcome": "approve", "answer": DEEP},
        {"kind": "amend", "details": DEEP},
        {"kind": "decide", "outcome": "approve", "made_at": "0001-01-01T00:00:00+14:00"},
        {"kind": "comment", "text": "x" * 20_001},
    ],
)
def test_acts_that_nothing_could_carry(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read_act({"id": "1", "by": "anna"} | fields)


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
        assert ApprovalState.read(company.state.as_json()) == company.state
    company.wait(5 * DAY)
    assert not company.state.is_open
    assert [entry.number for entry in company.entries] == list(range(1, len(company.entries) + 1))
    for first, second in pairwise(company.entries):
        assert second.record == second.seal(first.record)
        assert first.at <= second.at
    people = [vote.person for vote in company.state.votes]
    assert len(set(people)) == len(people), "nobody counts twice on a level"
