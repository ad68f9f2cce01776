"""Who may see a request. Pure.

- Everything: the roles operator, auditor and admin.
- A request: who asked for it or stands in for them, and whoever decides, has decided, or has been
  asked to on any of its levels: themselves, by a group, as a delegate, or standing in for somebody
  who is away.

Whom four eyes keep from deciding, or who has decided, still sees it. For everybody else it is not
there. When it has ended, the same people have it in their box "decided": those are the parties
that the projection keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from musterwerk.approvals import Status
from musterwerk.console.auth import Caller
from musterwerk.store.telling import NewEntry, asked


def may_see(
    caller: Caller,
    status: Status,
    principals: Collection[str],
    story: Callable[[], Sequence[NewEntry]],
) -> bool:
    """`principals` are those for whom the caller acts now. The story is asked for if need be."""
    if caller.sees_all or caller.person == status.requester:
        return True
    named = {status.requester, *status.may_decide, *status.delegations, *status.by}
    named |= {person for vote in status.votes for person in (vote.person, vote.holder)}
    places = {caller.person, *principals}
    return not places.isdisjoint(named) or any(
        not places.isdisjoint(_asked(entry)) for entry in story()
    )


def _asked(entry: NewEntry) -> tuple[str, ...]:
    return (entry.actor,) if entry.event == "decided" else asked(entry.event, entry.data)
