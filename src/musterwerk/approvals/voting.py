"""Deciding, and what comes before it: claiming and delegating. Pure."""

from __future__ import annotations

import json
from typing import Any

from musterwerk.approvals import course
from musterwerk.approvals.acts import Claim, Decide, Delegate, Facts, Release, Verdict
from musterwerk.approvals.change import Change, Step
from musterwerk.approvals.model import Vote
from musterwerk.approvals.policy import REJECT
from musterwerk.approvals.seats import Roll, delegate_of, given_back, level_votes
from musterwerk.approvals.state import ApprovalState

#: Who sends the chapter's own signals, which carry no name.
ANYBODY = "anonymous"
#: Bytes of reasons and answers in all votes; a short word finds room always.
_ROOM, _SHORT = 300_000, 500
NOT_ASKED = "you are not among those who are asked"


def decide(change: Change, act: Decide, facts: Facts) -> Step:
    if flaw := _flaw(change, act, facts):
        return change.refuse(act, "invalid", flaw)
    if act.digest is not None and act.digest != change.state.digest:
        return change.refuse(act, "changed", "the request has changed since; look again")
    if act.channel == "signal":
        return _by_anybody(change, act)
    roll = Roll(change.state, facts)
    if why := roll.why_excluded(act.by):
        return change.refuse(act, "excluded", why)
    votes = level_votes(change.state)
    if any(vote.person == act.by for vote in votes):
        return change.refuse(act, "already_decided", "you have decided already")
    seats = roll.seats_of(act.by)
    if act.on_behalf_of is not None:
        seats = [holder for holder in seats if holder == act.on_behalf_of]
    if not seats:
        whom = f"; nor can you decide for {act.on_behalf_of}" if act.on_behalf_of else ""
        return change.refuse(act, "not_entitled", _why_not(change, roll, act.by) + whom)
    filled = {vote.holder: vote.person for vote in votes}
    free = [holder for holder in seats if holder not in filled]
    if not free:
        return change.refuse(
            act, "already_decided", f"{filled[seats[0]]} has decided in this place"
        )
    if claimed_by := _claimed(change, roll, act.by):
        return change.refuse(act, "claimed", f"{claimed_by} is on it")
    vote = _cast(change, act, free[0], roll.panels_of(free[0]))
    before = change.state.level
    course.judge(change, facts)
    return change.reply(act, "applied", _said(change, vote, before))


def _why_not(change: Change, roll: Roll, person: str) -> str:
    """Why they have no seat."""
    if roll.four_eyes and person in change.state.moved_by.values():
        return "four eyes: who moves a place as an operator does not decide in it"
    to = delegate_of(change.state.delegations, person)
    if to == person or not roll.owns_a_seat(to):
        return NOT_ASKED
    return f"you delegated your place to {to}, who decides in it; delegate it to yourself first"


def _flaw(change: Change, act: Decide, facts: Facts) -> str | None:
    request = change.state.request
    if act.outcome not in request.outcomes:
        return f"{act.outcome!r} is not offered; choose {', '.join(request.outcomes)}"
    if act.outcome == REJECT and not act.reason.strip():
        return "a rejection needs a reason"
    if request.needs_answer(act.outcome):
        if facts.flaws:
            missing = f"{act.outcome!r} needs an answer"
            what = missing if act.answer is None else "the answer does not fit"
            return f"{what}: {'; '.join(facts.flaws)}"
    elif act.answer is not None:
        return f"no answer is asked for with {act.outcome!r}"
    return _too_much(change, act)


def _too_much(change: Change, act: Decide) -> str | None:
    """All that was said so far is told with each step, and has to fit into a payload."""
    own = _size([act.reason, act.answer])
    if own <= _SHORT:
        return None
    room = _ROOM - sum(_size([vote.reason, vote.answer]) for vote in change.state.votes)
    if own <= room:
        return None
    return f"reason and answer are {own} bytes, and there is room for {max(room, _SHORT)}"


def _size(words: list[Any]) -> int:
    return len(json.dumps(words))


def _by_anybody(change: Change, act: Decide) -> Step:
    if not change.state.request.policy.allow_anonymous:
        return change.refuse(
            act, "not_entitled", "this request is decided by name, not by a bare signal"
        )
    vote = _cast(change, act, ANYBODY, ())
    before = change.state.level
    course.decided_by_anybody(change, vote)
    return change.reply(act, "applied", _said(change, vote, before))


def _cast(change: Change, act: Decide, holder: str, panels: tuple[int, ...]) -> Vote:
    on_behalf_of = None if holder == act.by else holder
    vote = Vote(
        person=act.by,
        outcome=act.outcome,
        at=change.at,
        level=change.state.level,
        act_id=act.id,
        digest=change.state.digest,
        reason=act.reason,
        answer=act.answer,
        on_behalf_of=on_behalf_of,
        channel=act.channel,
        panels=panels,
    )
    change.set(votes=(*change.state.votes, vote))
    change.note_act(
        "decided",
        act,
        on_behalf_of=on_behalf_of,
        outcome=act.outcome,
        reason=act.reason,
        answer=act.answer,
        level=vote.level + 1,
        shown=act.digest,
    )
    return vote


def _said(change: Change, vote: Vote, level: int) -> str:
    state = change.state
    if not state.is_open:
        return f"the request is {state.state.replace('_', ' ')}"
    if state.level != level:
        return f"level {level + 1} is done, level {state.level + 1} is asked"
    return f"your {vote.outcome} counts; others have to decide as well"


def claim(change: Change, act: Claim, facts: Facts) -> Step:
    state, roll = change.state, Roll(change.state, facts)
    if why := roll.why_excluded(act.by):
        return change.refuse(act, "excluded", why)
    if not roll.seats_of(act.by):
        return change.refuse(act, "not_entitled", _why_not(change, roll, act.by))
    if any(panel.quorum != 1 for panel in state.panels):
        return change.refuse(act, "invalid", "several people have to agree; nobody can claim it")
    if claimed_by := _claimed(change, roll, act.by):
        return change.refuse(act, "claimed", f"{claimed_by} is on it")
    if state.claimed_by == act.by:
        return change.reply(act, "applied", "it is yours already")
    change.set(claimed_by=act.by)
    change.note_act("claimed", act)
    return change.reply(act, "applied", "it is yours until you release it")


def _claimed(change: Change, roll: Roll, by: str) -> str | None:
    """Who else is on it. A claim of somebody who may not decide any more holds up nobody."""
    holder = change.state.claimed_by
    if holder is None or holder == by or not roll.seats_of(holder):
        return None
    if any(vote.person == holder for vote in level_votes(change.state)):
        return None
    return holder


def release(change: Change, act: Release, operator: bool) -> Step:
    holder = change.state.claimed_by
    if holder is None:
        return change.refuse(act, "invalid", "nobody has claimed it")
    if holder != act.by and not operator:
        return change.refuse(act, "claimed", f"{holder} is on it; they or an operator release it")
    change.set(claimed_by=None)
    change.note_act("released", act, holder=holder if holder != act.by else None)
    return change.reply(act, "applied", "anybody who is asked can decide now")


def delegate(change: Change, act: Delegate, facts: Facts, operator: bool) -> Step:
    """The seat goes to somebody else; naming its holder again takes it back."""
    state, holder = change.state, act.holder or act.by
    if holder != act.by and not operator:
        return change.refuse(act, "not_entitled", f"only {holder} or an operator can do that")
    if act.to == holder and holder in state.delegations:
        delegations = given_back(state.delegations, holder)
        change.set(delegations=delegations, moved_by=_moved(change, act, holder))
        change.note_act("delegated", act, on_behalf_of=_other(holder, act.by), to=holder)
        return change.reply(act, "applied", f"{holder} decides again")
    roll = Roll(state, facts)
    refusal = _no_delegation(state, roll, act, holder, facts)
    if refusal is not None:
        return change.refuse(act, *refusal)
    if any(holder in (vote.person, vote.holder) for vote in level_votes(state)):
        return change.refuse(act, "already_decided", f"{holder} has decided already")
    claimed = None if state.claimed_by == holder else state.claimed_by
    delegations = {**state.delegations, holder: act.to}
    if act.to in state.delegations:  # from whom it came
        delegations = given_back(state.delegations, act.to)
    moved_by = _moved(change, act, holder)
    change.set(delegations=delegations, moved_by=moved_by, claimed_by=claimed)
    change.note_act(
        "delegated", act, on_behalf_of=_other(holder, act.by), to=act.to, reason=act.reason
    )
    change.tell("delegated", (act.to,), actor=holder, text=act.reason)
    return change.reply(act, "applied", f"{act.to} decides in the place of {holder}")


def _no_delegation(
    state: ApprovalState, roll: Roll, act: Delegate, holder: str, facts: Facts
) -> tuple[Verdict, str] | None:
    if act.to not in facts.known:
        return "unknown_person", f"nobody active is known as {act.to!r}"
    if act.to == holder:
        return "invalid", f"{holder} decides already"
    if holder != act.by and roll.why_excluded(act.by):
        return "excluded", "four eyes: you may not choose who decides this"
    own = act.to == act.by  # an operator who helps themselves
    if roll.why_excluded(act.to) or (own and roll.four_eyes):
        return "excluded", f"four eyes: {act.to} may not decide this"
    if roll.owns_a_seat(act.to):
        return "invalid", f"{act.to} decides already, and two places of one person are one vote"
    now = delegate_of(state.delegations, act.to)
    if now not in (act.to, holder):
        return "invalid", f"{act.to} has given a place away, to {now}; choose somebody else"
    if not roll.owns_a_seat(holder):
        return "not_entitled", f"{holder} is not among those who are asked"
    return None


def _moved(change: Change, act: Delegate, holder: str) -> dict[str, str]:
    """Whoever has touched somebody else's place as an operator stays out of it."""
    before = change.state.moved_by
    return before if act.by == holder else {**before, holder: act.by}


def _other(holder: str, by: str) -> str | None:
    return holder if holder != by else None
