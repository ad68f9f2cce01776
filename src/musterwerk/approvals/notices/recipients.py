"""Whom a notice concerns now: much may have happened since it was written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from musterwerk.approvals.state import Notice, Status

#: These ask for a decision; they are for whoever may still make it.
_ASKING = ("asked", "reminded", "escalated", "delegated", "amended")
#: These are for one person alone, and nobody stands in.
_PERSONAL = ("question", "ended")


def meant(notice: Notice, status: Status) -> tuple[str, ...]:
    """The principals to be told; nobody where there is nothing to tell any more.

    After an outage of the mail server nobody is asked for a decision that has been made, nor
    reminded of a level that is over.
    """
    if notice.event == "ended":
        return tuple(dict.fromkeys((status.requester, *notice.to)))
    if status.ended_at is not None:
        return ()
    if notice.event in _ASKING:
        return tuple(one for one in notice.to if one in status.may_decide)
    if notice.event == "question" and status.question is None:
        return ()
    return notice.to


def readers(
    notice: Notice,
    status: Status,
    members: Mapping[str, Sequence[str]],
    substitutes: Mapping[str, Sequence[str]],
) -> dict[str, tuple[str, ...]]:
    """Each person who is told, with those for whom they stand in; empty if they are meant."""
    spared = _spared(notice, status)
    people = [person for one in meant(notice, status) for person in members.get(one, ())]
    found: dict[str, tuple[str, ...]] = {p: () for p in people if p not in spared}
    if notice.event in _PERSONAL:
        return found
    for absent in [person for person in found if substitutes.get(person)]:
        for person in substitutes[absent]:
            if person not in spared and found.get(person) != ():
                found[person] = (*found.get(person, ()), absent)
    return found


def _spared(notice: Notice, status: Status) -> set[str]:
    if notice.event == "ended":
        # A requester may be among them because four eyes keep them from deciding; they are told
        # all the same, but not of what they did themselves.
        own = status.state == "withdrawn" and status.by == (status.requester,)
        return set(notice.but) - (set() if own else {status.requester})
    if notice.event in _ASKING:
        voted = {vote.person for vote in status.votes if vote.level == status.level}
        return {*notice.but, *voted, *status.excluded}
    return set(notice.but)
