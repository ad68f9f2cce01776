"""What a request wants is told before somebody is refused for it."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel

from musterwerk.cli.approvals_telling import (
    able,
    answer_option,
    answer_wanted,
    kept_out,
    last_said,
    level,
)


class Kind(BaseModel):
    name: str


class Booking(BaseModel):
    cost_center: int
    note: str = ""
    until: Literal["may", "june"] | None = None
    kind: Kind | None = None


def status(**fields: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "answer_schema": None,
        "answer_for": [],
        "level": 0,
        "levels": 1,
        "level_name": "",
        "may_decide": [],
        "excluded": [],
        "delegations": {},
        "votes": [],
    }
    return usual | fields


def vote(person: str, level: int = 0, on_behalf_of: str | None = None) -> dict[str, Any]:
    return {"person": person, "level": level, "on_behalf_of": on_behalf_of}


def test_the_answer_is_told_by_its_fields() -> None:
    asked = status(answer_schema=Booking.model_json_schema(), answer_for=["approve"])
    assert answer_wanted(asked) == (
        "cost_center (integer, required), note (text), until (may or june), kind (fields) "
        "- for approve"
    )
    assert answer_option(asked) == (
        """--answer '{"cost_center": ..., "note": ..., "until": ..., "kind": ...}'"""
    )
    assert answer_wanted(status()) is None


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string"}, "text"),
        ({"type": ["number", "null"]}, "number"),
        ({"type": "string", "format": "date"}, "date"),
        ({"title": "X"}, "anything"),
        ({"properties": {"x": True}}, "x (anything)"),
    ],
)
def test_whatever_schema_it_is(schema: dict[str, Any], told: str) -> None:
    asked = status(answer_schema=schema, answer_for=["approve", "defer"])
    assert answer_wanted(asked) == f"{told} - for approve, defer"


def test_a_level_is_told_where_there_are_several() -> None:
    assert level(status()) is None
    assert level(status(level_name="check")) == "1 of 1 (check)"
    assert level(status(level=1, levels=3, level_name="board")) == "2 of 3 (board)"


def test_who_gave_a_place_away_or_has_decided_cannot_decide_now() -> None:
    """One would wait for the wrong person."""
    now = status(
        may_decide=["lena", "otto", "ben", "group:board", "mona"],
        delegations={"lena": "mona"},
        votes=[vote("otto"), vote("sub", on_behalf_of="ben"), vote("mona", level=-1)],
        excluded=["", "lena", "otto", "rita", "sub"],
    )
    assert able(now) == ["group:board", "mona"]
    assert kept_out(now) == {"has decided": ["otto", "sub"], "four eyes": ["rita"]}


def test_a_place_that_came_back_is_its_holders() -> None:
    back = {"lena": "mona", "mona": "lena"}
    now = status(may_decide=["lena"], delegations=back, excluded=["lena", "mona"])
    assert (able(now), kept_out(now)["four eyes"]) == (["lena"], [])


def test_the_question_or_what_was_said_last_is_told() -> None:
    at = "2026-03-01T09:30:00Z"
    story: list[dict[str, Any]] = [
        {"event": "comment", "actor": "ben", "at": at, "data": {"text": "fine"}},
        {"event": "reminded", "actor": "clock", "at": at, "data": {}},
    ]
    assert last_said({"story": story}) == "comment by ben at 2026-03-01 09:30:00 UTC: fine"
    asked = {"question": "why?", "asked_by": "anna", "story": story}
    assert last_said(asked) == "anna asks: why?"
    assert last_said({"story": []}) is None
