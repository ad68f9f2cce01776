"""The clock: reminders, escalations, expiry, and what comes too late."""

from __future__ import annotations

from datetime import timedelta

from musterwerk.approvals import Escalation, Level, Policy, rules, views
from musterwerk.approvals.acts import Decide
from musterwerk.approvals.clock import next_due
from tests.approvals.people import DAY, FINANCE, START, Company

POLICY = Policy(
    approvers=("group:finance",),
    remind_every=DAY,
    escalations=(Escalation(after=timedelta(days=7), to=("group:managers",)),),
    expires_after=timedelta(days=10),
)


def test_the_chapters_course() -> None:
    company = Company(POLICY)
    company.wait(timedelta(days=6))
    assert company.decide("mia").verdict == "not_entitled"
    company.wait(DAY)
    assert [n.to for n in company.told("escalated")] == [("group:managers",)]
    assert company.decide("mia", "reject", reason="no budget").ok
    assert str(views.decision(company.state)) == "rejected: no budget"


def test_nobody_decides() -> None:
    company = Company(POLICY)
    company.wait(timedelta(days=10))
    decision = views.decision(company.state)
    assert (decision.state, decision.outcome, decision.by) == ("expired", "reject", ())
    assert str(decision) == "rejected: nobody decided in time"
    assert decision.at == START + timedelta(days=10)


def test_on_expiry_another_outcome() -> None:
    company = Company(Policy(approvers=("anna",), expires_after=DAY, on_expiry="approve"))
    company.wait(DAY)
    assert (company.state.state, views.decision(company.state).approved) == ("expired", True)


def test_too_late_is_said_and_by_whom_it_ended() -> None:
    company = Company(POLICY)
    company.wait(timedelta(days=10))
    late = company.decide("anna")
    assert (late.verdict, late.state) == ("closed", "expired")
    assert "too late" in late.message
    assert company.entries[-1].event == "refused"


def test_reminders_missed_meanwhile_are_one() -> None:
    company = Company(POLICY)
    company.wait(timedelta(days=3, hours=1))
    assert len(company.told("reminded")) == 1
    due = next_due(company.state)
    assert due is not None
    assert due.at == START + timedelta(days=4)


def test_who_has_decided_is_not_reminded() -> None:
    company = Company(POLICY.model_copy(update={"quorum": 2}))
    company.decide("anna")
    company.wait(DAY)
    assert "anna" in company.told("reminded")[0].but


def test_what_was_said_before_an_escalation_counts_in_it() -> None:
    escalations = (Escalation(after=DAY, to=("anna",)),)
    policy = Policy(approvers=("group:finance",), quorum=3, escalations=escalations)
    company = Company(policy)
    company.decide("anna")
    company.wait(DAY)
    assert (company.state.state, company.state.by) == ("approved", ("anna",))


def test_an_escalation_does_not_shut_out_those_before() -> None:
    company = Company(POLICY)
    company.wait(timedelta(days=8))
    assert company.decide("anna").ok


def test_a_slow_clock_opens_no_time_that_is_over() -> None:
    """Who stood in for somebody last year is not asked by a message dated last year."""
    company = Company(FINANCE)
    act = Decide(id="1", by="mia", outcome="approve", made_at=START - 365 * DAY)
    assert rules.question(company.state, act, START - 365 * DAY).at == START
    assert rules.question(company.state, act, START + DAY).at == START + DAY


def test_a_status_says_who_is_asked_next() -> None:
    first = Level(
        approvers=("group:finance",), escalations=(Escalation(after=DAY, to=("group:managers",)),)
    )
    company = Company(Policy(levels=(first, Level(approvers=("mia",)))))
    status = views.status(company.state)
    assert (status.next_event, status.next_to) == ("escalated", ("group:managers",))
    assert status.then_to == ("mia",)
    company.decide("anna")
    status = views.status(company.state)
    assert (status.next_event, status.next_to, status.then_to) == ("ended", (), ())
    company.decide("mia")
    assert views.status(company.state).next_to == ()
