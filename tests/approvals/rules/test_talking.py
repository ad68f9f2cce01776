"""Questions, answers and comments."""

from __future__ import annotations

from musterwerk.approvals import Policy
from musterwerk.approvals.acts import Ask, Comment, Inform
from tests.approvals.people import DAY, FINANCE, Company


def test_asking_back() -> None:
    company = Company(FINANCE, requester="shop")
    assert company.act(Ask(id="q", by="anna", text="Which customer?")).ok
    assert company.state.state == "info_requested"
    assert company.told("question")[0].to == ("shop",)
    assert company.act(Inform(id="i1", by="ben", text="C-1")).verdict == "not_entitled"
    assert company.act(Inform(id="i2", by="shop", text="C-17")).ok
    assert company.told("answer")[0].to == ("anna",)
    assert company.state.state == "open"
    assert company.act(Inform(id="i3", by="shop", text="more")).verdict == "invalid"


def test_while_the_requester_is_asked_it_is_they_who_are_reminded() -> None:
    company = Company(Policy(approvers=("anna",), remind_every=DAY), requester="shop")
    company.act(Ask(id="q", by="anna", text="Which customer?"))
    company.wait(DAY)
    assert company.told("reminded") == []
    assert [notice.to for notice in company.told("question")] == [("shop",), ("shop",)]


def test_a_question_does_not_stop_the_others() -> None:
    company = Company(FINANCE)
    company.act(Ask(id="q", by="anna", text="Why?"))
    assert company.decide("ben").ok


def test_only_who_decides_asks() -> None:
    assert Company(FINANCE).act(Ask(id="q", by="mia", text="?")).verdict == "not_entitled"


def test_anybody_known_comments() -> None:
    company = Company(FINANCE)
    assert company.act(Comment(id="c", by="mia", text="hm")).ok
    assert company.act(Comment(id="c2", by="mallory", text="hm")).verdict == "unknown_person"


def test_everybody_who_asked_hears_the_answer() -> None:
    company = Company(FINANCE)
    company.act(Ask(id="1", by="anna", text="Why?"))
    company.act(Ask(id="2", by="ben", text="How much?"))
    assert company.act(Inform(id="3", by="rita", text="Broken. 730.")).ok
    assert company.told("answer")[-1].to == ("anna", "ben")
