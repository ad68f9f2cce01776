"""Four eyes: whoever has an interest in a request does not decide it."""

from __future__ import annotations

from musterwerk.approvals import Level, Policy
from musterwerk.approvals.acts import Claim, Delegate
from tests.approvals.people import Company

POLICY = Policy(approvers=("group:finance",), four_eyes=True)


def test_the_requester_does_not_decide() -> None:
    company = Company(POLICY, requester="anna")
    assert company.decide("anna").verdict == "excluded"
    assert company.decide("ben").ok


def test_nor_does_who_stands_in_for_them() -> None:
    company = Company(POLICY, requester="rita", away={"rita": ["anna"]})
    assert company.decide("anna").verdict == "excluded"


def test_nor_can_the_requester_be_given_somebodys_place() -> None:
    company = Company(POLICY, requester="rita")
    reply = company.act(Delegate(id="d", by="anna", to="rita"))
    assert reply.verdict == "excluded"


def test_nor_who_sent_it_in_the_name_of_a_service() -> None:
    company = Company(POLICY, requester="shop", sender="anna")
    assert company.decide("anna").verdict == "excluded"


def test_nor_does_an_operator_help_themselves() -> None:
    company = Company(POLICY)
    mine = Delegate(id="d", by="otto", to="otto", holder="anna")
    assert company.act(mine).verdict == "excluded"


def test_nor_by_giving_a_place_to_somebody_for_whom_they_stand_in() -> None:
    company = Company(POLICY, away={"max": ["otto"]})
    assert company.act(Delegate(id="d", by="otto", to="max", holder="anna")).ok
    reply = company.decide("otto")
    assert (reply.verdict, company.state.votes) == ("not_entitled", ())
    assert "as an operator" in reply.message
    assert company.decide("max").ok


def test_nor_after_the_place_has_gone_on() -> None:
    company = Company(POLICY)
    company.act(Delegate(id="d1", by="otto", to="max", holder="anna"))
    assert company.act(Delegate(id="d2", by="max", to="otto")).ok
    assert company.decide("otto").verdict == "not_entitled"


def test_nor_does_the_requester_choose_who_does_as_an_operator() -> None:
    company = Company(POLICY, roles={"rita": ("operator",), "otto": ("operator",)})
    friend = Delegate(id="d1", by="rita", to="max", holder="anna")
    assert company.act(friend).verdict == "excluded"
    assert company.act(friend.model_copy(update={"id": "d2", "by": "otto"})).ok


def test_nobody_decides_two_levels() -> None:
    levels = (Level(approvers=("group:finance",)), Level(approvers=("group:finance",)))
    company = Company(Policy(levels=levels, four_eyes=True))
    company.decide("anna")
    assert company.decide("anna").verdict == "excluded"
    assert company.decide("ben").ok
    assert company.state.state == "approved"


def test_each_hears_what_it_is_that_keeps_them_out() -> None:
    """The refusal is on record: it would say of somebody what is not true."""
    levels = (Level(approvers=("group:finance",)), Level(approvers=("group:finance",)))
    policy = Policy(levels=levels, four_eyes=True)
    company = Company(policy, requester="rita", sender="max", away={"rita": ["ben"]})
    assert company.decide("anna").ok
    for person, why in [
        ("rita", "four eyes: you asked for it"),
        ("max", "four eyes: you sent the request"),
        ("ben", "four eyes: you stand in for rita, who asked for it"),
        ("anna", "four eyes: you decided on level 1"),
    ]:
        for reply in (company.decide(person), company.act(Claim(id=f"c-{person}", by=person))):
            assert (reply.verdict, reply.message) == ("excluded", why)


def test_without_them_one_may() -> None:
    levels = (Level(approvers=("anna",)), Level(approvers=("anna",)))
    company = Company(Policy(levels=levels))
    company.decide("anna")
    company.decide("anna")
    assert company.state.state == "approved"


def test_but_the_requester_hears_how_it_ended() -> None:
    company = Company(POLICY)
    company.decide("anna")
    ended = company.told("ended")[0]
    assert "rita" in ended.to
    assert "rita" not in ended.but
