"""A small company for tests of the rules: who is in which group, and who is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from musterwerk.approvals import ApprovalRequest, Policy, clock, course, rules
from musterwerk.approvals.acts import Act, Asked, Decide, Facts, Reply, Timeline
from musterwerk.approvals.change import Step
from musterwerk.approvals.seats import principals
from musterwerk.approvals.state import ApprovalState, Entry, Notice

DAY = timedelta(days=1)
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
GROUPS = {
    "group:finance": ("anna", "ben", "carla"),
    "group:managers": ("mia", "max"),
    "group:empty": (),
}
PEOPLE = ("anna", "ben", "carla", "mia", "max", "otto", "rita")
FINANCE = Policy(approvers=("group:finance",))


@dataclass
class Company:
    """Plays one request; everything that happened is kept."""

    policy: Policy
    requester: str = "rita"
    outcomes: tuple[str, ...] = ("approve", "reject")
    groups: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(GROUPS))
    away: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    roles: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"otto": ("operator",)})
    flaws: Sequence[str] = ()
    answer_schema: dict[str, Any] | None = None
    details: Any = None
    known: tuple[str, ...] = PEOPLE
    ends_at_once: tuple[str, ...] = ()
    sender: str | None = None
    now: datetime = START
    entries: list[Entry] = field(default_factory=list[Entry])
    notices: list[Notice] = field(default_factory=list[Notice])

    def __post_init__(self) -> None:
        self._ids = count(1)
        request = ApprovalRequest[Any](
            subject="Refund",
            requester=self.requester,
            policy=self.policy,
            outcomes=self.outcomes,
            ends_at_once=self.ends_at_once,
            answer_schema=self.answer_schema,
            details=self.details,
        )
        self.state: ApprovalState
        sent = Asked(by=self.sender) if self.sender else None
        facts = self.facts(request)
        self._keep(course.begin("r-1", request, self.timeline(0), facts, START, sent))

    def timeline(self, level: int) -> Timeline:
        """Elapsed time, without a calendar."""
        rule = self.policy.all_levels[level]
        end = START + self.policy.expires_after
        every = rule.remind_every
        last = int((end - self.now) / every) if every else 0
        return Timeline(
            reminders=tuple(self.now + n * every for n in range(1, last + 1)) if every else (),
            escalations=tuple(self.now + one.after for one in rule.escalations),
            expires_at=end,
        )

    def facts(self, request: ApprovalRequest[Any]) -> Facts:
        members = {p: self.groups.get(p, (p,) if p in PEOPLE else ()) for p in principals(request)}
        return Facts(
            members=members,
            known=self.known,
            substitutes={person: tuple(others) for person, others in self.away.items()},
            acting_for_requester=tuple(self.away.get(self.requester, ())),
            roles={person: tuple(names) for person, names in self.roles.items()},
            flaws=tuple(self.flaws),
        )

    def act(self, act: Act) -> Reply:
        step = rules.apply(self.state, act, self.facts(self.state.request), self.now)
        self._keep(step)
        assert step.reply is not None
        return step.reply

    def decide(self, by: str, outcome: str = "approve", **fields: Any) -> Reply:
        fields.setdefault("reason", "because" if outcome == "reject" else "")
        fields.setdefault("id", f"act-{next(self._ids)}")
        return self.act(Decide(by=by, outcome=outcome, **fields))

    def wait(self, length: timedelta) -> None:
        self.now += length
        while (step := clock.tick(self.state, self.now)) is not None:
            self._keep(step)
            if step.review:
                self._keep(rules.review(self.state, self.facts(self.state.request), self.now))

    def told(self, event: str) -> list[Notice]:
        return [notice for notice in self.notices if notice.event == event]

    def _keep(self, step: Step) -> None:
        self.state = step.state
        if step.plan:
            self.state = rules.planned(step.state, self.timeline(step.state.level))
        self.entries += step.entries
        self.notices += step.notices
