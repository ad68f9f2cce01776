"""A request's state as others see it: its status, its result, what is kept of a step. Pure."""

from __future__ import annotations

from typing import Any

from musterwerk.approvals.acts import Facts
from musterwerk.approvals.clock import next_due
from musterwerk.approvals.course import asked_now
from musterwerk.approvals.model import Decision, Vote
from musterwerk.approvals.policy import REJECT
from musterwerk.approvals.seats import excluded, level_votes
from musterwerk.approvals.state import ApprovalState, Status


def status(state: ApprovalState, *, details: bool = True) -> Status:
    request, level = state.request, state.request.policy.all_levels[state.level]
    following = request.policy.all_levels[state.level + 1 :][:1] if state.is_open else ()
    due = next_due(state)
    escalates = due is not None and due.event == "escalated"
    return Status(
        request_id=state.request_id,
        subject=request.subject,
        requester=request.requester,
        details=request.details if details else None,
        outcomes=request.outcomes,
        answer_schema=request.answer_schema,
        answer_for=tuple(one for one in request.outcomes if request.needs_answer(one)),
        revision=state.revision,
        digest=state.digest,
        version=state.version,
        state=state.state,
        outcome=state.outcome,
        reason=state.reason,
        by=state.by,
        created_at=state.started_at,
        story_at=state.story_at,
        updated_at=state.updated_at,
        ended_at=state.ended_at,
        expires_at=state.timeline.expires_at,
        next_at=due.at if due else None,
        next_event=due.event if due else None,
        next_to=level.escalations[state.escalated].to if escalates else (),
        then_to=tuple(one for level in following for one in level.approvers),
        level=state.level,
        levels=len(request.policy.all_levels),
        level_name=level.name,
        escalated=state.escalated,
        claimed_by=state.claimed_by,
        may_decide=asked_now(state) if state.is_open else (),
        excluded=_kept_out(state),
        delegations=state.delegations,
        votes=state.votes,
        question=state.question,
        asked_by=state.asked_by,
        login_required=request.policy.login_required,
    )


def decision(state: ApprovalState) -> Decision[Any]:
    """Of a request that has ended."""
    made = [vote for vote in state.votes if vote.outcome == state.outcome and state.by]
    return Decision(
        request_id=state.request_id,
        state=state.state,
        outcome=state.outcome or REJECT,
        by=state.by,
        reason=state.reason,
        answer=_answer(made),
        at=state.ended_at or state.updated_at,
        votes=state.votes,
        digest=state.digest,
        record=state.record,
    )


def chapter_status(state: ApprovalState) -> dict[str, Any]:
    """The answer to `get_status`: three words that everybody knows, and more."""
    return {
        "approved": state.outcome == "approve",
        "rejected": state.outcome == REJECT and state.state != "withdrawn",
        "pending": state.is_open,
        "state": state.state,
        "outcome": state.outcome,
        "reason": state.reason,
        "by": list(state.by),
        "level": state.level + 1,
        "expires_at": state.timeline.expires_at.isoformat(),
    }


def _answer(votes: list[Vote]) -> Any:
    return next((vote.answer for vote in reversed(votes) if vote.answer is not None), None)


def _kept_out(state: ApprovalState) -> tuple[str, ...]:
    facts = Facts(acting_for_requester=state.acting_for_requester)
    voted = {vote.person for vote in level_votes(state)}
    return tuple(sorted(excluded(state, facts) | voted | set(state.delegations)))
