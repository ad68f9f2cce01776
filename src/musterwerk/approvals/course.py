"""The course of a request: levels begin, reach a result, and the whole comes to its end. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from musterwerk.approvals.acts import Asked, Facts, Timeline
from musterwerk.approvals.change import Change, Step
from musterwerk.approvals.model import ENDED_BY_CLOCK, WITHDRAWN, ApprovalRequest, Vote, state_of
from musterwerk.approvals.policy import REJECT
from musterwerk.approvals.seats import Roll, excluded, level_votes
from musterwerk.approvals.state import ApprovalState, Event, Panel

SPLIT = "no outcome can reach its quorum any more"
TOO_LATE = "nobody decided in time"


def begin(
    request_id: str,
    request: ApprovalRequest[Any],
    timeline: Timeline,
    facts: Facts,
    at: datetime,
    asked: Asked | None = None,
    page: str | None = None,
) -> Step:
    """The first step: the request is there, and the approvers of its first level are asked."""
    sender = asked or Asked(by=request.requester)
    state = ApprovalState(
        request_id=request_id,
        request=request,
        page=page,
        digest=request.digest(at),
        sender=sender.by,
        started_at=at,
        story_at=at,
        updated_at=at,
        level_since=at,
        timeline=timeline,
        acting_for_requester=facts.acting_for_requester,
    )
    change = Change(state, at)
    policy = request.policy.model_dump(mode="json", exclude_defaults=True)
    change.note(
        "requested",
        sender.by,
        sender.channel,
        on_behalf_of=request.requester if sender.by != request.requester else None,
        subject=request.subject,
        policy=policy,
    )
    begin_level(change, 0)
    change.set(timeline=timeline)
    change.plan = False
    return change.done()


def begin_level(change: Change, number: int, *, as_event: Event = "asked") -> None:
    """Its timeline still has to be computed: until then it knows the end of the whole only.

    `as_event` is what its people are told of.
    """
    level = change.state.request.policy.all_levels[number]
    change.set(
        level=number,
        level_since=change.at,
        panels=(Panel(to=level.approvers, quorum=level.quorum),),
        timeline=Timeline(expires_at=change.state.timeline.expires_at),
        reminded=0,
        escalated=0,
        claimed_by=None,
    )
    change.plan = True
    named = {"name": level.name} if level.name else {}
    change.note("asked", "clock", "clock", level=number + 1, to=list(level.approvers), **named)
    change.tell(as_event, level.approvers, but=quiet(change.state))


def judge(change: Change, facts: Facts) -> None:
    """After a vote: is the level decided, or can it not be any more?"""
    state, roll = change.state, Roll(change.state, facts)
    votes = level_votes(state)
    level = state.request.policy.all_levels[state.level]
    if sum(vote.outcome == REJECT for vote in votes) >= level.rejections:
        end(change, state_of(REJECT), REJECT, reason=_reason(votes, REJECT))
        return
    for number in range(len(state.panels)):
        for outcome in state.request.outcomes:
            agreed = sum(vote.outcome == outcome for vote in roll.votes(number))
            if outcome != REJECT and agreed >= roll.needed(number):
                _reached(change, outcome)
                return
    if not _still_possible(state, roll):
        end(change, state_of(REJECT), REJECT, reason=SPLIT)


def decided_by_anybody(change: Change, vote: Vote) -> None:
    """An anonymous word, where the policy lets it count: it decides the level alone."""
    if vote.outcome == REJECT:
        end(change, state_of(REJECT), REJECT, reason=vote.reason)
    else:
        _reached(change, vote.outcome)


def _reached(change: Change, outcome: str) -> None:
    state, request = change.state, change.state.request
    further = state.level + 1 < len(request.policy.all_levels)
    if further and outcome not in request.ends_at_once:
        begin_level(change, state.level + 1)
        if state.state == "info_requested":
            change.set(state="open", question=None, asked_by=None, askers=())
    else:
        end(change, state_of(outcome), outcome, reason=_reason(level_votes(state), outcome))


def _still_possible(state: ApprovalState, roll: Roll) -> bool:
    if state.escalated < len(state.timeline.escalations):
        return True  # those it escalates to can still decide
    return any(
        sum(vote.outcome == outcome for vote in roll.votes(number)) + roll.left(number)
        >= roll.needed(number)
        for number in range(len(state.panels))
        for outcome in state.request.outcomes
        if outcome != REJECT
    )


def end(change: Change, state: str, outcome: str, *, reason: str = "", actor: str = "") -> None:
    """`actor` is who withdrew it; a vote's people are found from the votes."""
    votes = change.state.votes
    by = [vote.person for vote in votes if vote.outcome == outcome]
    if state in (ENDED_BY_CLOCK, WITHDRAWN):
        by = [actor] if actor else []
    asked = asked_now(change.state)
    requester = change.state.request.requester
    kept = [person for person in quiet(change.state) if person != requester]
    change.set(
        state=state,
        outcome=outcome,
        reason=reason,
        by=tuple(dict.fromkeys(by)),
        ended_at=change.at,
        claimed_by=None,
        question=None,
        asked_by=None,
        askers=(),
    )
    who = actor or (by[-1] if by else "clock")
    change.note(
        "ended",
        who,
        "clock" if state == ENDED_BY_CLOCK else "rules",
        state=state,
        outcome=outcome,
        by=list(dict.fromkeys(by)),
        reason=reason,
    )
    quiet_now = (*kept, actor) if actor else tuple(kept)
    change.tell("ended", (requester, *asked), but=quiet_now, text=reason)


def asked_now(state: ApprovalState) -> tuple[str, ...]:
    """Everybody who is asked on this level, with those to whom a seat was delegated."""
    people = [principal for panel in state.panels for principal in panel.to]
    return tuple(dict.fromkeys([*people, *state.delegations.values()]))


def quiet(state: ApprovalState) -> tuple[str, ...]:
    """Who need not be told: those kept out, those who have voted, and who gave their seat away."""
    facts = Facts(acting_for_requester=state.acting_for_requester)
    voted = [vote.person for vote in level_votes(state)]
    gone = [*sorted(excluded(state, facts)), *voted, *sorted(state.delegations)]
    return tuple(dict.fromkeys(gone))


def _reason(votes: list[Vote], outcome: str) -> str:
    reasons = [vote.reason for vote in votes if vote.outcome == outcome and vote.reason]
    return reasons[-1] if reasons else ""
