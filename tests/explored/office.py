"""What approvals need of the world, in memory: people, and what is on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from temporalio import activity

from musterwerk.approvals import names
from musterwerk.approvals.acts import Facts, Plan, Planning, Question
from musterwerk.approvals.calendars import planning
from musterwerk.approvals.state import Record
from musterwerk.principals import GROUP


class MemoryOffice:
    """In place of `ApprovalActivities`. Everybody in `groups` is there and works.

    `stands` has each request as it was last told, `story` every entry, `told` every notice.
    """

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        self._groups = groups
        self._people = {person for people in groups.values() for person in people}
        self.stands: dict[str, dict[str, Any]] = {}
        self.story: dict[tuple[str, int], Any] = {}
        self.told: dict[str, Any] = {}
        self.replies: dict[str, dict[str, Any]] = {}

    def activities(self) -> list[Callable[..., Any]]:
        return [self.facts, self.plan, self.record]

    @activity.defn(name=names.FACTS)
    async def facts(self, given: dict[str, Any]) -> dict[str, Any]:
        asked = Question.read(given)
        members = {one: self._members(one) for one in asked.principals}
        known = dict.fromkeys([*asked.people, asked.requester])
        roles: dict[str, tuple[str, ...]] = {}
        found = Facts(
            members=members,
            known=tuple(one for one in known if one in self._people),
            roles=roles,
        )
        return found.as_json()

    @activity.defn(name=names.PLAN)
    async def plan(self, given: dict[str, Any]) -> dict[str, Any]:
        return Plan(timeline=planning.timeline(Planning.read(given))).as_json()

    @activity.defn(name=names.RECORD)
    async def record(self, given: dict[str, Any]) -> None:
        record = Record.read(given)
        status = record.status
        stands = self.stands.get(status.request_id)
        if stands is None or stands["version"] < status.version:
            self.stands[status.request_id] = status.as_json()
        for entry in record.entries:
            self.story.setdefault((status.request_id, entry.number), entry.as_json())
        for notice in record.notices:
            self.told.setdefault(notice.key, notice.as_json())
        for reply in record.replies:
            self.replies.setdefault(reply.act_id, reply.as_json())

    def state(self) -> object:
        return (self.stands, self.story, self.told, self.replies)

    def _members(self, principal: str) -> tuple[str, ...]:
        if principal.startswith(GROUP):
            return self._groups.get(principal.removeprefix(GROUP), ())
        return (principal,) if principal in self._people else ()
