"""Who may see a request. Pure.

- Everything: the roles operator, auditor and admin.
- A request: who asked for it, and whoever decides, has decided, or has been asked to on any of
  its levels: themselves, by a group, as a delegate, or standing in for somebody who is away.

Whom four eyes keep from deciding, or who has decided, still sees it. For everybody else it is not
there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from musterwerk.approvals import Status
from musterwerk.console.auth import Caller
from musterwerk.store.telling import NewEntry

#: Entries that say who was asked.
_ASKING = ("asked", "escalated", "delegated")


def may_see(
    caller: Caller,
    status: Status,
    principals: Collection[str],
    story: Callable[[], Sequence[NewEntry]],
) -> bool:
    """`principals` are those for whom the caller acts now. The story is asked for if need be."""
    if caller.sees_all or caller.person == status.requester:
        return True
    named = {*status.may_decide, *status.delegations, *status.by}
    named |= {person for vote in status.votes for person in (vote.person, vote.holder)}
    places = {caller.person, *principals}
    return not places.isdisjoint(named) or any(
        not places.isdisjoint(_asked(entry)) for entry in story()
    )


def _asked(entry: NewEntry) -> list[str]:
    if entry.event == "decided":
        return [entry.actor]
    to: str | list[str] = entry.data.get("to", []) if entry.event in _ASKING else []
    return [to] if isinstance(to, str) else to
