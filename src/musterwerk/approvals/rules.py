"""The rules: `(state, act, facts) -> step`. Pure; nobody asks them what time it is.

Every act gets a reply, and none changes a request that has ended. An act is taken once: the same
id again gets the first reply.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from musterwerk.approvals import course, voting
from musterwerk.approvals.acts import (
    Act,
    Amend,
    Ask,
    Claim,
    Comment,
    Decide,
    Delegate,
    Facts,
    Inform,
    Question,
    Release,
    Timeline,
    Withdraw,
)
from musterwerk.approvals.change import Change, Step, reply_to
from musterwerk.approvals.model import WITHDRAWN, ApprovalRequest
from musterwerk.approvals.seats import Roll, principals
from musterwerk.approvals.state import ApprovalState
from musterwerk.canonical import content_of

_OPERATORS = {"operator", "admin"}
#: After so many, a request is not the place for more words; it can still be decided.
_MOST_WORDS = 2000
#: Whoever was refused so often is answered without a look at anything.
_MOST_TRIES = 100


def question(state: ApprovalState, act: Act, at: datetime) -> Question:
    """What has to be known to judge this act."""
    people = [act.by, *state.delegations.values()]
    if state.claimed_by is not None:
        people.append(state.claimed_by)
    answer = None
    schema = None
    if isinstance(act, Delegate):
        people += [act.to, act.holder or act.by]
    if isinstance(act, Decide) and state.request.needs_answer(act.outcome):
        answer, schema = act.answer, state.request.answer_schema
    return Question(
        principals=principals(state.request),
        people=tuple(dict.fromkeys(people)),
        requester=state.request.requester,
        # As in `apply`: whose clock is slow is judged by who is there now.
        at=max(at, state.updated_at),
        answer=answer,
        answer_schema=schema,
    )


def at_once(state: ApprovalState, act: Act) -> Step | None:
    """What needs no facts to be answered, and changes nothing."""
    before = state.replies.get(act.id)
    if before is None:
        if act.channel == "parent" or state.refusals.get(act.by, 0) < _MOST_TRIES:
            return None
        message = "too much of yours was refused here; let an operator give your place to another"
    elif before.actor != act.by:
        message = f"the id {act.id!r} is that of an act of somebody else; choose another one"
    elif state.contents.get(act.id, content := content_of(act.as_json())) != content:
        message = f"the id {act.id!r} is that of another act of yours; choose another one"
    else:
        return Step(state, reply=before)
    return Step(state, reply=reply_to(state, act, "invalid", message))


def apply(state: ApprovalState, act: Act, facts: Facts, at: datetime) -> Step:
    """Judge an act that came at this moment."""
    if (known := at_once(state, act)) is not None:
        return known
    change = Change(state, max(at, state.updated_at))
    change.set(acting_for_requester=facts.acting_for_requester)
    if not state.is_open:
        return change.refuse(act, "closed", closed(state))
    if not _is_known(state, act, facts):
        return change.refuse(act, "unknown_person", f"nobody active is known as {act.by!r}")
    match act:
        case Decide():
            return voting.decide(change, act, facts)
        case Claim():
            return voting.claim(change, act, facts)
        case Release():
            return voting.release(change, act, is_operator(act.by, facts))
        case Delegate():
            return voting.delegate(change, act, facts, is_operator(act.by, facts))
        case Ask() | Inform() | Comment():
            return _say(change, act, facts)
        case Amend():
            return _amend(change, act)
        case Withdraw():
            return _withdraw(change, act, facts)


def review(state: ApprovalState, facts: Facts, at: datetime) -> Step:
    """After an escalation: what was said before may be enough for those it came to."""
    change = Change(state, max(at, state.updated_at))
    course.judge(change, facts)
    return change.done()


def after_reset(state: ApprovalState, at: datetime) -> Step:
    """A new story: the old one goes on in the trail as it was, whatever came of it."""
    change = Change(state, max(at, state.updated_at))
    before, version = state.record, state.version
    change.set(story_at=change.at, version=0, record="")
    change.note("reset", "Temporal", "parent", entries=version, record=before)
    return change.done()


def planned(state: ApprovalState, timeline: Timeline) -> ApprovalState:
    """With the timeline of the level that has begun."""
    return state.model_copy(update={"timeline": timeline})


def is_operator(person: str, facts: Facts) -> bool:
    return not _OPERATORS.isdisjoint(facts.roles.get(person, ()))


def closed(state: ApprovalState) -> str:
    """That it is over, by whom and since when."""
    who = ", ".join(state.by) or ("the clock" if state.state == "expired" else "the workflow")
    when = state.ended_at.strftime("%Y-%m-%d %H:%M:%S UTC") if state.ended_at else "before"
    word = state.state.replace("_", " ")
    return f"too late: it ended as {word!r} by {who} at {when}"


def _is_known(state: ApprovalState, act: Act, facts: Facts) -> bool:
    if act.channel in ("parent", "signal") or act.by in facts.known:
        return True  # no name of anybody's: nothing from outside can claim these two
    # A requester may be a service, which is nobody's colleague.
    own = isinstance(act, Inform | Comment | Amend | Withdraw)
    return own and act.by == state.request.requester


def _say(change: Change, act: Ask | Inform | Comment, facts: Facts) -> Step:
    state = change.state
    if state.words >= _MOST_WORDS:
        return change.refuse(act, "invalid", "too much has been said here; only decide, please")
    change.set(words=state.words + 1)
    if isinstance(act, Comment):
        change.note_act("comment", act, text=act.text)
        return change.reply(act, "applied", "your comment is noted")
    if isinstance(act, Ask):
        if not Roll(state, facts).seats_of(act.by):
            return change.refuse(act, "not_entitled", voting.NOT_ASKED)
        change.note_act("question", act, text=act.text)
        askers = tuple(dict.fromkeys([*state.askers, act.by]))
        change.set(state="info_requested", question=act.text, asked_by=act.by, askers=askers)
        change.tell("question", (state.request.requester,), actor=act.by, text=act.text)
        return change.reply(act, "applied", f"{state.request.requester} has been asked")
    may = {state.request.requester, *facts.acting_for_requester}
    if act.by not in may and not is_operator(act.by, facts):
        return change.refuse(act, "not_entitled", f"{state.request.requester} was asked, not you")
    if state.state != "info_requested":
        return change.refuse(act, "invalid", "nothing has been asked; add a comment instead")
    change.note_act("answer", act, text=act.text)
    change.set(state="open", question=None, asked_by=None, askers=())
    askers = state.askers or (state.asked_by or "",)
    change.tell("answer", askers, actor=act.by, text=act.text)
    return change.reply(act, "applied", f"{' and '.join(askers)} {_be(askers)} told")


def _be(several: tuple[str, ...]) -> str:
    return "is" if len(several) == 1 else "are"


def _amend(change: Change, act: Amend) -> Step:
    """Nobody has consented to the new revision: it starts at the first level, without votes."""
    state, request = change.state, change.state.request
    if act.by != request.requester:
        return change.refuse(act, "not_entitled", f"only {request.requester} can change it")
    given = request.model_dump()
    given["subject"] = act.subject or request.subject
    if act.details is not None or act.clear_details:
        given["details"] = act.details
    try:
        amended = ApprovalRequest[object].model_validate(given)
    except ValidationError as error:
        return change.refuse(act, "invalid", error.errors()[0]["msg"])
    if amended.digest() == request.digest():
        return change.refuse(act, "invalid", "this is what it says already")
    voters = tuple(dict.fromkeys(vote.person for vote in state.votes))
    revision = state.revision + 1
    change.set(
        request=amended,
        revision=revision,
        digest=state.digest_of(amended, revision),
        votes=(),
        state="open",
        question=None,
        asked_by=None,
        askers=(),
    )
    change.note_act("amended", act, revision=revision, subject=amended.subject, void=list(voters))
    course.begin_level(change, 0, as_event="amended")
    return change.reply(act, "applied", "changed; whoever had decided is asked again")


def _withdraw(change: Change, act: Withdraw, facts: Facts) -> Step:
    requester = change.state.request.requester
    allowed = act.by in (requester, *facts.acting_for_requester) or is_operator(act.by, facts)
    if act.channel != "parent" and not allowed:
        return change.refuse(
            act, "not_entitled", f"only {requester} or an operator can withdraw it"
        )
    course.end(change, WITHDRAWN, "reject", reason=act.reason or "withdrawn", actor=act.by)
    return change.reply(act, "applied", "withdrawn")
