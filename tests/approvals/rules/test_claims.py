"""Claims: one says that they are on it, and nobody waits for them in vain."""

from __future__ import annotations

from musterwerk.approvals import Escalation, Policy
from musterwerk.approvals.acts import Claim, Release
from tests.approvals.people import DAY, FINANCE, Company


def test_a_claim_keeps_others_off_until_it_is_released() -> None:
    company = Company(FINANCE)
    assert company.act(Claim(id="c", by="anna")).ok
    assert company.act(Claim(id="c2", by="ben")).verdict == "claimed"
    assert company.decide("ben").verdict == "claimed"
    assert company.act(Release(id="r", by="ben")).verdict == "claimed"
    assert company.act(Release(id="r2", by="anna")).ok
    assert company.decide("ben").ok


def test_an_operator_releases() -> None:
    company = Company(FINANCE)
    company.act(Claim(id="c", by="anna"))
    assert company.act(Release(id="r", by="otto")).ok


def test_an_escalation_releases() -> None:
    escalations = (Escalation(after=DAY, to=("group:managers",)),)
    company = Company(Policy(approvers=("anna",), escalations=escalations))
    company.act(Claim(id="c", by="anna"))
    company.wait(DAY)
    assert company.decide("mia").ok


def test_the_claim_of_who_has_left_holds_up_nobody() -> None:
    company = Company(FINANCE)
    company.act(Claim(id="c", by="anna"))
    company.groups["group:finance"] = ("ben",)
    assert company.decide("ben").ok


def test_where_several_agree_nobody_claims() -> None:
    company = Company(Policy(approvers=("group:finance",), quorum=2))
    assert company.act(Claim(id="c", by="anna")).verdict == "invalid"
