"""A policy played in advance: who would be asked, reminded and escalated to, and when it ends.

It is the rules themselves that play, with the calendar and the people given; nobody is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from musterwerk.approvals import clock, course, rules
from musterwerk.approvals.acts import Decide, Facts, Planning, Timeline
from musterwerk.approvals.calendars.planning import flaws, timeline
from musterwerk.approvals.calendars.working_time import working_time
from musterwerk.approvals.change import Step
from musterwerk.approvals.model import ApprovalRequest
from musterwerk.approvals.notices.recipients import readers
from musterwerk.approvals.policy import APPROVE, REJECT, Policy
from musterwerk.approvals.seats import Roll, level_votes, principals, why_never
from musterwerk.approvals.state import ApprovalState, Event
from musterwerk.approvals.views import status
from musterwerk.errors import UsageError
from musterwerk.principals import GROUP
from musterwerk.store.directory import Directory
from musterwerk.store.membership import substitutes_of


@dataclass(frozen=True)
class Setting:
    """Without `people` each group is played as if it had enough of them, and shown by its name.

    `approve_after` is working time from when a level begins; without it nobody ever decides.
    """

    policy: Policy
    start: datetime
    length: timedelta = timedelta(days=30)
    requester: str = "requester"
    people: Directory | None = None
    approve_after: timedelta | None = None


@dataclass(frozen=True)
class Moment:
    """Something that happens. `who` is told or, where the event is "decided", decides; those who
    stand in come with the people for whom they do. `level` counts from 1.
    """

    at: datetime
    event: Event
    level: int
    who: Mapping[str, tuple[str, ...]]
    outcome: str | None = None


@dataclass(frozen=True)
class Course:
    """`moments` are those within the time that is looked at, `expires_at` may lie behind it.

    `state` is how the request stands then, and `outcome` what came of it, if it has ended.
    """

    moments: tuple[Moment, ...]
    until: datetime
    expires_at: datetime
    state: str
    outcome: str | None


def play(setting: Setting) -> Course:
    """Raises `UsageError` where such a request would be refused at its start."""
    return _Play(setting).whole()


@dataclass
class _Play:
    setting: Setting
    _moments: list[Moment] = field(default_factory=list[Moment])
    _tried: set[int] = field(default_factory=set[int])

    def whole(self) -> Course:
        setting, request = self.setting, self._request()
        wrong = flaws(setting.policy)
        if setting.people is not None and not wrong:
            wrong = why_never(request, self._facts(setting.start))
        if wrong:
            raise UsageError("such a request would be refused: " + "; ".join(wrong))
        until = setting.start + setting.length
        first = self._timeline(0, setting.start)
        facts = self._facts(setting.start)
        state = self._keep(course.begin("simulated", request, first, facts, setting.start))
        while state.is_open and (moment := self._next(state)) <= until:
            state = self._at(state, moment)
        return Course(
            tuple(self._moments), until, state.timeline.expires_at, state.state, state.outcome
        )

    def _request(self) -> ApprovalRequest[Any]:
        policy = self.setting.policy
        return ApprovalRequest[Any](
            subject="simulated",
            requester=self.setting.requester,
            policy=policy,
            outcomes=tuple(dict.fromkeys((APPROVE, REJECT, policy.on_expiry))),
        )

    def _next(self, state: ApprovalState) -> datetime:
        due = clock.next_due(state)
        moments = [state.timeline.expires_at, *([due.at] if due else [])]
        approval = self._approval(state)
        if approval is not None and state.level not in self._tried:
            moments.append(approval)
        return min(moments)

    def _approval(self, state: ApprovalState) -> datetime | None:
        if self.setting.approve_after is None:
            return None
        times = working_time(self.setting.policy.calendar)
        return times.after(state.level_since, self.setting.approve_after)

    def _at(self, state: ApprovalState, moment: datetime) -> ApprovalState:
        step = clock.tick(state, moment)
        if step is None:
            return self._approved(state, moment)
        state = self._keep(step)
        # Those who were away when the level should have approved may be back.
        again = state.is_open and state.level in self._tried
        return self._approved(state, moment) if again else state

    def _approved(self, state: ApprovalState, moment: datetime) -> ApprovalState:
        """As many of the level's people approve as it takes, if so many are there."""
        facts = self._facts(moment)
        level = state.level
        self._tried.add(level)
        for person in self._present(state, facts, moment):
            act = Decide(id=f"{level}/{person}", by=person, outcome=APPROVE)
            step = rules.apply(state, act, facts, moment)
            state = self._keep(step)
            if not state.is_open or state.level != level:
                break
        return state

    def _present(self, state: ApprovalState, facts: Facts, at: datetime) -> Iterator[str]:
        roll = Roll(state, facts)
        away = set(self._away(at))
        voted = {vote.person for vote in level_votes(state)}
        for panel in state.panels:
            for holder in roll.holders(panel):
                for person in roll.occupants(holder):
                    if person not in away and person not in voted:
                        voted.add(person)
                        yield person
                        break

    def _keep(self, step: Step) -> ApprovalState:
        state = step.state
        if step.plan:
            plan = self._timeline(state.level, state.level_since)
            state = rules.planned(state, plan)
        facts = self._facts(state.updated_at)
        for entry in step.entries:
            if entry.event == "decided":
                who = {entry.actor: (entry.on_behalf_of,) if entry.on_behalf_of else ()}
                level = int(entry.data["level"])
                self._moments.append(Moment(entry.at, "decided", level, who, APPROVE))
        for notice in step.notices:
            members = facts.members
            if self.setting.people is None:
                members = {name: (name,) for name in (state.request.requester, *notice.to)}
            told = readers(notice, status(state), members, facts.substitutes)
            outcome = state.outcome if notice.event == "ended" else None
            self._moments.append(Moment(notice.at, notice.event, state.level + 1, told, outcome))
        return state

    def _timeline(self, level: int, since: datetime) -> Timeline:
        setting = self.setting
        return timeline(
            Planning(policy=setting.policy, level=level, started=setting.start, since=since)
        )

    def _facts(self, at: datetime) -> Facts:
        named = (*principals(self._request()), self.setting.requester)
        if self.setting.people is None:
            members = {name: _crowd(name, self.setting.policy) for name in named}
            known = tuple(dict.fromkeys(one for several in members.values() for one in several))
            return Facts(members=members, known=known)
        active = [entry for entry in self.setting.people.entries if entry.person.active]
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for entry in active:
            groups[entry.person.id] = [entry.person.id]
            for group in entry.groups:
                groups[GROUP + group].append(entry.person.id)
        away = self._away(at)
        substitutes = {person: substitutes_of(person, away) for person in away}
        return Facts(
            members={name: tuple(groups.get(name, ())) for name in named},
            known=tuple(entry.person.id for entry in active),
            substitutes={person: others for person, others in substitutes.items() if others},
            acting_for_requester=substitutes.get(self.setting.requester, ()),
        )

    def _away(self, at: datetime) -> dict[str, list[str]]:
        """Who is away, with the active ones who were named to stand in."""
        if self.setting.people is None:
            return {}
        active = {one.person.id for one in self.setting.people.entries if one.person.active}
        found: defaultdict[str, list[str]] = defaultdict(list)
        for absence in self.setting.people.absences:
            if absence.starts <= at < absence.ends and absence.person in active:
                found[absence.person] += [one for one in active if one == absence.substitute]
        return dict(found)


def _crowd(principal: str, policy: Policy) -> tuple[str, ...]:
    """As many members of a group as could be needed, by number."""
    if not principal.startswith(GROUP):
        return (principal,)
    quorums = [level.quorum for level in policy.all_levels]
    quorums += [one.quorum for level in policy.all_levels for one in level.escalations]
    count = sum(quorum if isinstance(quorum, int) else 1 for quorum in quorums)
    return tuple(f"{principal} ({number})" for number in range(1, count + 1))
