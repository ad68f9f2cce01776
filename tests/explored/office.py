"""What approvals need of the world, in memory: people, and what is on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from temporalio import activity

from musterwerk.approvals import answers, names
from musterwerk.approvals.acts import Facts, Plan, Planning, Question
from musterwerk.approvals.calendars import planning
from musterwerk.approvals.state import Record
from musterwerk.principals import GROUP


class MemoryOffice:
    """In place of `ApprovalActivities`. All of `people` work, and nobody is away.

    `people` are as in a document for the directory: by name, with `groups` and `roles`.
    `stands` has each request as it was last told, `details` what it shows, `story` every entry,
    `told` every notice, `replies` the first to each act.
    """

    def __init__(self, people: Mapping[str, Mapping[str, Any]]) -> None:
        self._people = people
        self.stands: dict[str, dict[str, Any]] = {}
        self.ages: dict[str, tuple[datetime, int]] = {}
        self.details: dict[str, tuple[datetime, int, Any]] = {}
        self.story: dict[tuple[str, datetime, int], dict[str, Any]] = {}
        self.told: dict[str, dict[str, Any]] = {}
        self.replies: dict[tuple[str, str, str, str | None], dict[str, Any]] = {}

    def activities(self) -> list[Callable[..., Any]]:
        return [self.facts, self.plan, self.record]

    @activity.defn(name=names.FACTS)
    async def facts(self, given: dict[str, Any]) -> dict[str, Any]:
        asked = Question.read(given)
        flaws: tuple[str, ...] = ()
        if asked.answer_schema is not None:
            flaws = answers.flaws(asked.answer, asked.answer_schema)
        found = Facts(
            members={one: self._members(one) for one in asked.principals},
            known=self._known(*asked.people, asked.requester),
            roles={
                one: roles
                for one in self._known(*asked.people)
                if (roles := tuple(sorted(self._people[one].get("roles", ()))))
            },
            flaws=flaws,
        )
        return found.as_json()

    @activity.defn(name=names.PLAN)
    async def plan(self, given: dict[str, Any]) -> dict[str, Any]:
        asked = Planning.read(given)
        if flaws := planning.flaws(asked.policy):
            return Plan(flaws=tuple(flaws)).as_json()
        return Plan(timeline=planning.timeline(asked)).as_json()

    @activity.defn(name=names.RECORD)
    async def record(self, given: dict[str, Any]) -> None:
        """Again it changes nothing, and what is late leaves the newer alone."""
        record = Record.read(given)
        status = record.status
        request, began = status.request_id, status.story_at
        age = began, status.version
        if request not in self.ages or self.ages[request] < age:
            self.ages[request] = age
            self.stands[request] = status.as_json() | {"details": None}
        if status.details is not None:
            shown = self.details.get(request)
            if shown is None or shown[:2] < (began, status.revision):
                self.details[request] = (began, status.revision, status.details)
        for entry in record.entries:
            self.story.setdefault((request, began, entry.number), entry.as_json())
        for notice in record.notices:
            self.told.setdefault(notice.key, notice.as_json())
        for reply in record.replies:
            act = request, reply.act_id, reply.actor, record.contents.get(reply.act_id)
            self.replies.setdefault(act, reply.as_json())

    def state(self) -> object:
        return (self.stands, self.ages, self.details, self.story, self.told, self.replies)

    def _known(self, *names_: str) -> tuple[str, ...]:
        return tuple(one for one in dict.fromkeys(names_) if one in self._people)

    def _members(self, principal: str) -> tuple[str, ...]:
        if not principal.startswith(GROUP):
            return self._known(principal)
        group = principal.removeprefix(GROUP)
        return tuple(
            sorted(one for one, who in self._people.items() if group in who.get("groups", ()))
        )
