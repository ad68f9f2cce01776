"""Requests that people wrote down: what is wrong with them is told in their words."""

from __future__ import annotations

from typing import Any

import pytest

from musterwerk.approvals.documents import read_document
from musterwerk.errors import UsageError

GOOD: dict[str, Any] = {
    "id": "leave-7",
    "subject": "Leave in May",
    "requester": "rita",
    "policy": {"approvers": ["mia"], "expires_after": "7 days", "calendar": "DE-BY"},
}


def test_a_document_is_the_request_it_says() -> None:
    """A request by file would be another one than by code."""
    document = read_document(GOOD)
    request = document.request()
    assert document.id == "leave-7"
    assert "id" not in request.as_json()
    assert request.policy.calendar is not None
    assert request.as_json()["policy"]["expires_after"] == "P7D"


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"subject": ""}, "subject: at least 1 characters are expected"),
    ({"subject": "a\nb"}, "subject: a subject is one line"),
    ({"colour": 1}, "colour: no such field"),
    ({"answer": {"type": "string"}}, "write its JSON schema as answer_schema"),
    ({"answer": None}, "write its JSON schema as answer_schema"),
    ({"answer_schema": {"type": "money"}}, "answer_schema: this is no JSON schema: 'money'"),
    ({"answer_schema": {"pattern": "("}}, "answer_schema: this is no JSON schema: '('"),
    ({"id": "a b"}, "id: is not spelled as such a name is"),
    ({"policy": 7}, "policy: a table (an object) is expected"),
    ({"policy": {"approvers": "mia"}}, "policy.approvers: a list is expected"),
    (
        {"policy": {"approvers": ["mia"], "quorum": "most"}},
        "policy.quorum: 'most' is no quorum",
    ),
    ({"policy": {"approvers": ["mia"], "calendar": 7}}, "policy.calendar: a table"),
    (
        {"policy": {"approvers": ["mia"], "calendar": {"region": "DE", "opens": "x"}}},
        "policy.calendar.opens: ",
    ),
    (
        {"policy": {"approvers": ["mia"], "escalations": [{"after": "soon", "to": []}]}},
        "policy.escalations.0.after: a length of time is expected",
    ),
    *(
        (
            {"policy": {"approvers": ["mia"], "expires_after": length}},
            f"policy.expires_after: {said}",
        )
        for length, said in [
            (0, "more than 0 seconds is expected"),
            ("4000 days", "3660 days or less is expected"),
            ("48:00", "'48:00' is a time of day; write a length of time as 2d, 36h or PT36H"),
            ("9999999999 days", "'9999999999 days' is too long"),
        ]
    ),
    ({"policy": {"approvers": ["mia"], "remind_every": "1s"}}, "1 minute or more is expected"),
    ({"policy": {"approvers": ["mia"] * 201}}, "policy.approvers: at most 200 are expected"),
    (
        {
            "policy": {
                "approvers": ["mia"],
                "expires_after": "1d 12h",
                "escalations": [{"after": "9 days", "to": ["lena"]}],
            }
        },
        "an escalation after 9 days never happens: all is over after 1 day 12 hours",
    ),
]


@pytest.mark.parametrize(("change", "said"), MISTAKES)
def test_mistakes_name_their_place(change: dict[str, Any], said: str) -> None:
    """Whoever wrote it would have to guess which line is meant."""
    with pytest.raises(UsageError) as error:
        read_document(GOOD | change, "leave.toml")
    assert "leave.toml is no request for approval" in str(error.value)
    assert said in str(error.value)
    assert "[" not in str(error.value)
