"""Policies, requests and acts that make no sense are refused, with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from musterwerk.approvals import ApprovalRequest, Escalation, Level, Policy
from musterwerk.approvals.acts import read_act
from musterwerk.approvals.seats import why_never
from tests.approvals.people import DAY, FINANCE, Company

DEEP: Any = json.loads("[" * 60 + "]" * 60)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(approvers=("group:empty",)), "group:empty has nobody in it"),
        (Policy(approvers=("group:nowhere",)), "group:nowhere has nobody in it"),
        (Policy(approvers=("mallory",)), "nobody is known as 'mallory'"),
        (Policy(approvers=("anna", "ben"), quorum=3), "needs 3 of anna, ben, and only anna, ben"),
        (
            Policy(approvers=("rita",), four_eyes=True),
            "and nobody may decide (rita may not: four eyes)",
        ),
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


def test_nor_can_it_be_met_by_who_sent_the_request_in_the_name_of_a_service() -> None:
    policy = Policy(approvers=("anna",), four_eyes=True)
    request = ApprovalRequest[Any](subject="x", requester="shop", policy=policy)
    facts = Company(FINANCE).facts(request)
    assert why_never(request, facts) == []
    assert "anna, shop may not: four eyes" in "; ".join(why_never(request, facts, "anna"))


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
        ({"approvers": ["a"], "four_eyes": True, "on_expiry": "approve"}, "can only reject"),
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
