"""Places: who may decide in whose place, delegates, and whoever joins or leaves."""

from __future__ import annotations

from musterwerk.approvals import Policy, views
from musterwerk.approvals.acts import Claim, Decide, Delegate
from tests.approvals.people import DAY, FINANCE, PEOPLE, Company


def test_a_person_counts_once_also_as_a_substitute() -> None:
    company = Company(Policy(approvers=("anna", "ben"), quorum=2), away={"ben": ["anna"]})
    company.decide("anna")
    assert company.decide("anna", on_behalf_of="ben").verdict == "already_decided"
    assert company.state.is_open
    assert company.decide("ben").ok
    assert company.state.state == "approved"


def test_a_substitute_takes_the_place_of_who_is_away() -> None:
    company = Company(Policy(approvers=("anna",)), away={"anna": ["otto"]})
    assert company.decide("otto").ok
    assert company.state.votes[0].on_behalf_of == "anna"


def test_a_place_is_filled_once() -> None:
    company = Company(Policy(approvers=("anna", "ben"), quorum=2), away={"anna": ["otto"]})
    company.decide("otto")
    late = company.decide("anna")
    assert late.verdict == "already_decided"
    assert "otto has decided" in late.message


def test_nobody_can_take_the_place_of_who_is_there() -> None:
    company = Company(FINANCE)
    assert company.decide("anna", on_behalf_of="ben").verdict == "not_entitled"


def test_a_delegate_decides_instead() -> None:
    company = Company(Policy(approvers=("anna",)))
    assert company.act(Delegate(id="d", by="anna", to="otto")).ok
    for act in (Decide(id="a", by="anna", outcome="approve"), Claim(id="c", by="anna")):
        reply = company.act(act)
        assert reply.verdict == "not_entitled"
        assert "you delegated your place to otto, who decides in it" in reply.message
    assert "not among" in company.decide("ben").message
    assert company.decide("otto").ok
    assert company.told("delegated")[0].to == ("otto",)


def test_a_delegate_can_delegate_further_and_the_first_take_it_back() -> None:
    company = Company(Policy(approvers=("anna",)))
    company.act(Delegate(id="d1", by="anna", to="otto"))
    assert company.act(Delegate(id="d2", by="otto", to="mia")).ok
    assert company.decide("otto").verdict == "not_entitled"
    assert company.act(Delegate(id="d3", by="anna", to="anna")).ok
    assert company.decide("mia").verdict == "not_entitled"
    assert company.decide("anna").ok


def test_a_circle_of_delegates_gives_the_place_back() -> None:
    company = Company(Policy(approvers=("anna",)))
    company.act(Delegate(id="d1", by="anna", to="otto"))
    company.act(Delegate(id="d2", by="otto", to="anna"))
    assert "anna" not in views.status(company.state).excluded, "her inbox would hide it"
    assert "otto" not in views.status(company.state).may_decide
    assert company.decide("anna").ok


def test_whoever_passed_a_place_on_is_given_no_other() -> None:
    company = Company(Policy(approvers=("anna", "ben"), quorum=2))
    company.act(Delegate(id="d1", by="anna", to="otto"))
    company.act(Delegate(id="d2", by="otto", to="mia"))
    reply = company.act(Delegate(id="d3", by="ben", to="otto"))
    assert reply.verdict == "invalid"
    assert "to mia; choose somebody else" in reply.message
    company.act(Delegate(id="d4", by="anna", to="anna"))
    assert company.act(Delegate(id="d5", by="ben", to="otto")).ok
    assert company.decide("otto").ok


def test_whoever_passed_a_place_on_is_not_reminded() -> None:
    company = Company(Policy(approvers=("anna",), remind_every=DAY))
    company.act(Delegate(id="d1", by="anna", to="otto"))
    company.act(Delegate(id="d2", by="otto", to="mia"))
    company.wait(DAY)
    reminded = company.told("reminded")[0]
    assert {"anna", "otto"} <= set(reminded.but)
    assert "mia" not in reminded.but


def test_two_places_of_one_person_are_one_vote() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum="all"))
    assert company.act(Delegate(id="d1", by="ben", to="anna")).verdict == "invalid"
    assert company.act(Delegate(id="d2", by="ben", to="otto")).ok
    assert company.act(Delegate(id="d3", by="carla", to="otto")).verdict == "invalid"


def test_only_an_operator_gives_away_what_is_anothers() -> None:
    company = Company(Policy(approvers=("anna",)))
    assert company.act(Delegate(id="d1", by="mia", to="max", holder="anna")).verdict == (
        "not_entitled"
    )
    assert company.act(Delegate(id="d2", by="otto", to="max", holder="anna")).ok
    assert company.decide("max").ok


def test_a_substitute_has_no_place_to_give_away() -> None:
    company = Company(Policy(approvers=("anna",)), away={"anna": ["otto"]})
    assert company.act(Delegate(id="d", by="otto", to="max")).verdict == "not_entitled"


def test_who_leaves_the_group_decides_no_more_but_their_vote_stays() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=2))
    company.decide("anna")
    company.groups["group:finance"] = ("carla",)
    assert company.decide("ben").verdict == "not_entitled"
    assert company.decide("carla").ok
    assert company.state.state == "approved"


def test_all_means_all_who_are_there() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum="all"))
    company.decide("anna")
    company.groups["group:finance"] = ("anna", "ben")
    company.decide("ben")
    assert company.state.state == "approved"


def test_all_where_one_stands_in_for_another() -> None:
    """Anna can speak once; that Ben's place stays open must not hang it for ever."""
    company = Company(Policy(approvers=("anna", "ben"), quorum="all"), away={"ben": ["anna"]})
    company.decide("anna")
    assert company.state.is_open
    company.decide("ben")
    assert company.state.state == "approved"


def test_a_delegate_who_has_left_gives_the_place_back() -> None:
    company = Company(Policy(approvers=("anna",)))
    company.act(Delegate(id="d", by="anna", to="otto"))
    company.known = tuple(person for person in PEOPLE if person != "otto")
    assert company.decide("otto").verdict == "unknown_person"
    assert company.decide("anna").ok
