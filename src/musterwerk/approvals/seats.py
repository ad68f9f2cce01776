"""Who may decide, and in whose place: pure.

A *seat* belongs to a person named by a principal, its holder. It can be filled by the holder, by
whom the holder delegated it to, or by a substitute while that person is away. One person fills
one seat of a level, and one seat is filled once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from musterwerk.approvals.acts import Facts
from musterwerk.approvals.model import ApprovalRequest, Vote
from musterwerk.approvals.policy import Principal, Quorum
from musterwerk.approvals.state import ApprovalState, Panel
from musterwerk.principals import GROUP


class Roll:
    """The people of a level, as they are now."""

    def __init__(self, state: ApprovalState, facts: Facts) -> None:
        self._state = state
        self._facts = facts
        self._excluded = exclusions(state, facts)
        self.four_eyes = state.request.policy.four_eyes

    def holders(self, panel: Panel) -> list[str]:
        """Whose seats the panel has; those whom four eyes keep out have none."""
        people = _unique(p for to in panel.to for p in self._facts.members.get(to, ()))
        return [person for person in people if person not in self._excluded]

    def occupants(self, holder: str) -> list[str]:
        """Who can fill this seat now, the first choice first."""
        owner = delegate_of(self._state.delegations, holder)
        if owner != holder and owner not in self._facts.known:
            owner = holder  # whoever got the seat has left
        standing_in = self._facts.substitutes.get(owner, ())
        moved_by = self._state.moved_by.get(holder) if self.four_eyes else None
        able = (one for one in (owner, *standing_in) if one not in self._excluded)
        return [one for one in able if one != moved_by]

    def seats_of(self, person: str) -> list[str]:
        """The holders whose seats this person can fill, their own first."""
        found = [
            holder
            for panel in self._state.panels
            for holder in self.holders(panel)
            if person in self.occupants(holder)
        ]
        return sorted(_unique(found), key=lambda holder: holder != person)

    def owns_a_seat(self, person: str) -> bool:
        """Their own, or one that was delegated to them; a substitute has none to give away."""
        return any(
            delegate_of(self._state.delegations, holder) == person
            for panel in self._state.panels
            for holder in self.holders(panel)
        )

    def why_excluded(self, person: str) -> str | None:
        """What four eyes have against this person, told to them; None if nothing."""
        return self._excluded.get(person)

    def panels_of(self, holder: str) -> tuple[int, ...]:
        panels = enumerate(self._state.panels)
        return tuple(number for number, panel in panels if holder in self.holders(panel))

    def votes(self, number: int) -> list[Vote]:
        """Those that count in a panel: a vote stays when its voter leaves the group."""
        holders = set(self.holders(self._state.panels[number]))
        return [
            vote
            for vote in level_votes(self._state)
            if number in vote.panels or vote.holder in holders
        ]

    def needed(self, number: int) -> int:
        """How many votes for one outcome the panel's quorum means, as its people are now."""
        panel = self._state.panels[number]
        voters = (vote.holder for vote in self.votes(number))
        seats = _unique([*self.holders(panel), *voters])
        return max(1, quorum_of(panel.quorum, len(seats)))

    def left(self, number: int) -> int:
        """How many more votes the panel can get: no more than it has people, or open seats."""
        votes = level_votes(self._state)
        voted = {vote.person for vote in votes}
        filled = {vote.holder for vote in votes}
        seats = [h for h in self.holders(self._state.panels[number]) if h not in filled]
        people = {p for holder in seats for p in self.occupants(holder) if p not in voted}
        return min(len(seats), len(people))


def level_votes(state: ApprovalState) -> list[Vote]:
    return [vote for vote in state.votes if vote.level == state.level]


def excluded(state: ApprovalState, facts: Facts) -> set[str]:
    """Whom four eyes keep out: who asked, who acts for them, and voters of earlier levels."""
    return set(exclusions(state, facts))


def exclusions(state: ApprovalState, facts: Facts) -> dict[str, str]:
    """Each with the reason, as they are told it; of several, the one that weighs most."""
    if not state.request.policy.four_eyes:
        return {}
    requester = state.request.requester
    before = [vote for vote in state.votes if vote.level < state.level]
    standing_in = f"you stand in for {requester}, who asked for it"
    found = {vote.person: f"you decided on level {vote.level + 1}" for vote in before}
    found |= dict.fromkeys(facts.acting_for_requester, standing_in)
    found |= {state.sender: "you sent the request", requester: "you asked for it"}
    return {person: f"four eyes: {why}" for person, why in found.items()}


def delegate_of(delegations: dict[str, str], holder: str) -> str:
    """Who has the seat now. A chain that comes back to its beginning gives it back."""
    seen = [holder]
    while (following := delegations.get(seen[-1])) is not None:
        if following in seen:
            return holder
        seen.append(following)
    return seen[-1]


def given_back(delegations: dict[str, str], first: str) -> dict[str, str]:
    """Without the chain of what `first` gave away, whoever passed it on."""
    left, one = dict(delegations), first
    while (following := left.pop(one, None)) is not None:
        one = following
    return left


def quorum_of(quorum: Quorum, size: int) -> int:
    if isinstance(quorum, int):
        return quorum
    share = 100 if quorum == "all" else int(quorum.rstrip("%"))
    return -(-size * share // 100)  # rounded up


def principals(request: ApprovalRequest[object]) -> tuple[Principal, ...]:
    """Everybody the policy names, in its order."""
    levels = request.policy.all_levels
    named = [p for level in levels for p in level.approvers]
    named += [p for level in levels for one in level.escalations for p in one.to]
    return tuple(_unique(named))


def why_never(
    request: ApprovalRequest[object], facts: Facts, sender: str | None = None
) -> list[str]:
    """Why the policy can never be met by the people there are; empty if it can."""
    if request.policy.allow_anonymous:
        return []
    out = set[str]()
    if request.policy.four_eyes:
        out = {request.requester, sender or request.requester, *facts.acting_for_requester}
    return [*_absent(request, facts), *_too_few(request, facts, out)]


def _absent(request: ApprovalRequest[object], facts: Facts) -> Iterator[str]:
    for principal in principals(request):
        if not facts.members.get(principal):
            if principal.startswith(GROUP):
                yield f"{principal} has nobody in it"
            else:
                yield f"nobody is known as {principal!r}, or they have left"


def _too_few(request: ApprovalRequest[object], facts: Facts, out: set[str]) -> Iterator[str]:
    policy = request.policy
    rounds: list[list[str]] = []
    for number, level in enumerate(policy.all_levels, 1):
        place = f"level {number}" if policy.levels else "the policy"
        able = _able(level.approvers, facts, out)
        needed = max(1, quorum_of(level.quorum, len(able)))
        if len(able) < needed:
            yield f"{place} needs {needed} of {_named(level.approvers)}, and {_who(able, out)}"
        rounds += [able] * needed
        for one in level.escalations:
            reached = _able(one.to, facts, out)
            if len(reached) < max(1, quorum_of(one.quorum, len(reached))):
                yield (
                    f"{place} escalates to {_named(one.to)}, who need "
                    f"{max(1, quorum_of(one.quorum, len(reached)))}, and {_who(reached, out)}"
                )
    if policy.four_eyes and policy.levels and not _all_matched(rounds):
        people = _unique(person for able in rounds for person in able)
        yield (
            f"all levels together need {len(rounds)} different people, and "
            f"{_only(people)} may decide"
        )


def _able(to: Sequence[Principal], facts: Facts, out: set[str]) -> list[str]:
    people = _unique(p for principal in to for p in facts.members.get(principal, ()))
    return [person for person in people if person not in out]


def _all_matched(rounds: list[list[str]]) -> bool:
    """Whether every vote that is needed can be a different person's (bipartite matching)."""
    taken: dict[str, int] = {}

    def place(number: int, tried: set[str]) -> bool:
        for person in rounds[number]:
            if person not in tried:
                tried.add(person)
                if person not in taken or place(taken[person], tried):
                    taken[person] = number
                    return True
        return False

    return all(place(number, set()) for number in range(len(rounds)))


def _named(to: Sequence[Principal]) -> str:
    return ", ".join(to)


def _who(able: list[str], out: set[str]) -> str:
    kept = f" ({', '.join(sorted(out))} may not: four eyes)" if out else ""
    return f"{_only(able)} may decide{kept}"


def _only(people: list[str]) -> str:
    return f"only {', '.join(people)}" if people else "nobody"


def _unique(people: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(people))
