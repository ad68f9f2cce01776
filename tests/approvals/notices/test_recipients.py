"""Who is told, as things stand when it is told."""

from __future__ import annotations

import pytest

from musterwerk.approvals.model import Vote
from musterwerk.approvals.notices.recipients import meant, readers
from musterwerk.approvals.state import Notice, Status
from tests.approvals.notices.telling import AT, ended, notice, status

MEMBERS = {"group:finance": ("anna", "ben", "carla"), "rita": ("rita",), "ben": ("ben",)}


def told(
    notified: Notice, shown: Status, away: dict[str, tuple[str, ...]] | None = None
) -> dict[str, tuple[str, ...]]:
    return readers(notified, shown, MEMBERS, away or {})


def test_everybody_in_the_group_but_those_who_are_spared() -> None:
    assert list(told(notice(but=("ben",)), status())) == ["anna", "carla"]


def test_whoever_has_decided_or_is_kept_out_since_is_not_asked() -> None:
    vote = Vote(person="anna", outcome="approve", at=AT, level=0, act_id="1", digest="")
    assert list(told(notice("reminded"), status(votes=(vote,), excluded=("ben",)))) == ["carla"]


def test_a_vote_on_an_earlier_level_spares_nobody() -> None:
    vote = Vote(person="anna", outcome="approve", at=AT, level=0, act_id="1", digest="")
    assert "anna" in told(notice(), status(votes=(vote,), level=1, levels=2))


@pytest.mark.parametrize("event", ["asked", "reminded", "escalated", "delegated", "amended"])
def test_nobody_is_asked_for_what_has_ended(event: str) -> None:
    assert meant(notice(event), ended("approved", "approve")) == ()


@pytest.mark.parametrize("event", ["asked", "reminded", "escalated", "delegated"])
def test_nobody_is_asked_for_a_level_that_is_over(event: str) -> None:
    assert meant(notice(event), status(may_decide=("group:managers",))) == ()


def test_a_question_that_was_answered_is_not_asked_again() -> None:
    asked = notice("question", to=("rita",))
    assert meant(asked, status(question="Why?")) == ("rita",)
    assert meant(asked, status()) == ()


def test_a_substitute_is_told_beside_the_absent() -> None:
    away = {"anna": ("max", "ben"), "carla": ("max",)}
    assert told(notice(), status(), away) == {
        "anna": (),
        "ben": (),
        "carla": (),
        "max": ("anna", "carla"),
    }
    assert "max" not in told(notice(but=("max",)), status(), away)
    assert "max" not in told(notice(but=("anna", "carla")), status(), away)


def test_nobody_stands_in_for_the_requester() -> None:
    asked = notice("question", to=("rita",))
    assert told(asked, status(question="Why?"), {"rita": ("max",)}) == {"rita": ()}


def test_the_requester_learns_the_end_even_if_four_eyes_kept_them_out() -> None:
    over = ended("approved", "approve", requester="rita", by=("ben",))
    assert list(told(notice("ended", but=("rita", "ben")), over)) == ["rita", "anna", "carla"]


def test_who_withdrew_knows_it() -> None:
    over = ended("withdrawn", "reject", requester="rita", by=("rita",))
    assert "rita" not in told(notice("ended", but=("rita",)), over)


def test_a_delegate_is_told() -> None:
    shown = status(delegations={"anna": "ben"}, excluded=("anna",), may_decide=("ben",))
    assert told(notice("delegated", to=("ben",)), shown) == {"ben": ()}


def test_a_delegate_who_has_passed_the_place_on_is_not_told_any_more() -> None:
    shown = status(
        delegations={"anna": "ben", "ben": "carla"},
        excluded=("anna", "ben"),
        may_decide=("ben", "carla"),
    )
    assert told(notice("delegated", to=("ben",)), shown) == {}
