"""Consent is to what was shown, given once, with the answer that was asked for."""

from __future__ import annotations

from musterwerk.approvals import Policy, views
from musterwerk.approvals.acts import Amend
from tests.approvals.people import DAY, FINANCE, Company


def test_what_changed_is_not_consented_to() -> None:
    company = Company(FINANCE, details={"amount": "10.00"})
    shown = company.state.digest
    company.act(Amend(id="a", by="rita", details={"amount": "9999.00"}))
    assert company.decide("anna", digest=shown).verdict == "changed"
    assert company.decide("anna", digest=company.state.digest).ok


def test_votes_for_the_old_text_are_void() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=2), details=1)
    company.decide("anna")
    company.act(Amend(id="a", by="rita", details=2))
    company.decide("ben")
    assert company.state.is_open
    assert company.told("amended")[0].to == ("group:finance",)
    assert len(company.told("asked")) == 1, "who is told that it changed is not asked as well"
    company.decide("anna")
    assert company.state.state == "approved"


def test_only_the_requester_changes_it_and_not_beyond_its_time() -> None:
    company = Company(FINANCE, details=1)
    assert company.act(Amend(id="a", by="anna", details=2)).verdict == "not_entitled"
    end = company.state.timeline.expires_at
    company.wait(DAY)
    company.act(Amend(id="b", by="rita", details=2))
    assert company.state.timeline.expires_at == end


def test_an_answer_of_the_wrong_shape() -> None:
    company = Company(FINANCE, answer_schema={"type": "integer"}, flaws=["is no integer"])
    reply = company.decide("anna", answer="x")
    assert (reply.verdict, "is no integer" in reply.message) == ("invalid", True)


def test_an_answer_that_was_not_asked_for() -> None:
    assert Company(FINANCE).decide("anna", answer=1).verdict == "invalid"


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
