"""The only I/O of an approval: its database. The workflow knows these by name (`names.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar

from temporalio import activity

from musterwerk.approvals import answers, names
from musterwerk.approvals.acts import Facts, Plan, Planning, Question
from musterwerk.approvals.backlink import Backlink
from musterwerk.approvals.calendars import planning
from musterwerk.approvals.keeping import telling
from musterwerk.approvals.state import Record
from musterwerk.store import InboxTable, PeopleTable, Store

#: Well within the workflow's heartbeat timeout.
_BEAT_SECONDS = 0.5
_T = TypeVar("_T")


class ApprovalActivities:
    """Plain JSON in and out, so that any data converter carries it.

    Each raises while the database is away, and is then tried again by the workflow. `told` is
    called when there are new notices to be sent. `backlink` leads from Temporal to the console.
    """

    def __init__(
        self,
        store: Store,
        *,
        told: Callable[[], object] | None = None,
        backlink: Backlink | None = None,
    ) -> None:
        self._backlink = backlink or Backlink()
        self._people = PeopleTable(store)
        self._inbox = InboxTable(store)
        self._told = told

    def all(self) -> list[Callable[..., Any]]:
        return [self.facts, self.plan, self.record]

    @activity.defn(name=names.FACTS)
    async def facts(self, given: dict[str, Any]) -> dict[str, Any]:
        found = await _beating(asyncio.to_thread(self._facts, Question.read(given)))
        return found.as_json()

    @activity.defn(name=names.PLAN)
    async def plan(self, given: dict[str, Any]) -> dict[str, Any]:
        found = await _beating(asyncio.to_thread(_plan, Planning.read(given)))
        links = {"console": self._backlink.console, "indexed": self._backlink.indexed}
        return found.model_copy(update=links).as_json()

    @activity.defn(name=names.RECORD)
    async def record(self, given: dict[str, Any]) -> None:
        told = telling(Record.read(given))
        await _beating(asyncio.to_thread(self._inbox.write, told, datetime.now(UTC)))
        if told.notices and self._told is not None:
            self._told()

    def _facts(self, question: Question) -> Facts:
        found = self._people.facts(
            question.principals, question.people, question.requester, question.at
        )
        flaws = ()
        if question.answer_schema is not None:
            flaws = answers.flaws(question.answer, question.answer_schema)
        return Facts(**asdict(found), flaws=flaws)


async def _beating(work: Coroutine[Any, Any, _T]) -> _T:
    """So that a write that waits for its turn is told from a worker that was killed."""
    working = asyncio.create_task(work)
    while not (await asyncio.wait({working}, timeout=_BEAT_SECONDS))[0]:
        activity.heartbeat()
    return await working


def _plan(given: Planning) -> Plan:
    if flaws := planning.flaws(given.policy):
        return Plan(flaws=tuple(flaws))
    return Plan(timeline=planning.timeline(given))
