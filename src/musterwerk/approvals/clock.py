"""What the clock does to a request: reminders, escalations, the end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from musterwerk.approvals import course
from musterwerk.approvals.change import Change, Step
from musterwerk.approvals.model import ENDED_BY_CLOCK
from musterwerk.approvals.state import ApprovalState, Event, Panel


@dataclass(frozen=True)
class Due:
    at: datetime
    event: Event


def next_due(state: ApprovalState) -> Due | None:
    """What happens next by itself; at the same moment the end comes first, a reminder last."""
    if not state.is_open:
        return None
    dues = [Due(state.timeline.expires_at, "ended")]
    dues += [Due(at, "escalated") for at in state.timeline.escalations[state.escalated :][:1]]
    dues += [Due(at, "reminded") for at in state.timeline.reminders[state.reminded :][:1]]
    return min(dues, key=lambda due: due.at)


def tick(state: ApprovalState, at: datetime) -> Step | None:
    """Do what is due by `at`, one thing at a time; None if nothing is."""
    due = next_due(state)
    if due is None or due.at > at:
        return None
    change = Change(state, max(due.at, state.updated_at))
    match due.event:
        case "escalated":
            _escalate(change)
        case "reminded":
            _remind(change, at)
        case _:
            outcome = state.request.policy.on_expiry
            course.end(change, ENDED_BY_CLOCK, outcome, reason=course.TOO_LATE)
    return change.done(review=due.event == "escalated" and bool(state.votes))


def _escalate(change: Change) -> None:
    state = change.state
    level = state.request.policy.all_levels[state.level]
    escalation = level.escalations[state.escalated]
    change.set(
        escalated=state.escalated + 1,
        panels=(*state.panels, Panel(to=escalation.to, quorum=escalation.quorum)),
        claimed_by=None,
    )
    change.note(
        "escalated",
        "clock",
        "clock",
        to=list(escalation.to),
        level=state.level + 1,
        released=state.claimed_by,
    )
    change.tell("escalated", escalation.to, but=course.quiet(change.state))


def _remind(change: Change, at: datetime) -> None:
    """Those missed while nobody was there to send them are one reminder now."""
    state = change.state
    others = [at, state.timeline.expires_at, *state.timeline.escalations[state.escalated :]]
    until = min(others)
    passed = sum(moment <= until for moment in state.timeline.reminders)
    change.set(reminded=max(passed, state.reminded + 1))
    change.note("reminded", "clock", "clock", level=state.level + 1)
    if state.question is not None:  # it is the requester's turn
        change.tell("question", (state.request.requester,), text=state.question)
    else:
        change.tell("reminded", course.asked_now(state), but=course.quiet(state))
