"""The approvers of the demo: managers who look into their inbox and decide what they find.

As people do: one decides twice, two decide at once, some things nobody looks at.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client

from musterwerk.approvals import ApprovalHandle, Reply
from musterwerk.shop.demo.releases import Way
from musterwerk.shop.release import REQUESTER, approval_id
from musterwerk.shop.staff import MANAGERS
from musterwerk.store import InboxTable, PeopleTable, Store, database_url
from musterwerk.store.inbox_pages import Search

_LOOK_EVERY = 0.1
#: How long an answer may take that has been recorded only.
_ANSWER = timedelta(seconds=30)
#: How long requests of orders that have ended may take to end as well.
_SETTLED_WITHIN = 30.0


class Approvers:
    """`violations` are sentences about answers that nobody should get."""

    def __init__(self, temporal: Client, data: Path, ways: Mapping[str, Way], seed: int) -> None:
        self._temporal = temporal
        self._store = Store(database_url(data, {}), migrate=False)
        self._ways: dict[str, Way] = {approval_id(order_id): way for order_id, way in ways.items()}
        self._seed = seed
        self.violations: list[str] = []

    async def decide_all(self, over: Callable[[], bool]) -> None:
        """Decide what comes in until it is `over`, and everything that was asked has ended."""
        seen: set[str] = set()
        loop = asyncio.get_running_loop()
        until: float | None = None
        async with asyncio.TaskGroup() as group:
            while until is None or loop.time() < until:
                for status in await asyncio.to_thread(self._inbox):
                    request_id = status["request_id"]
                    if request_id not in seen:
                        seen.add(request_id)
                        group.create_task(self._decide(request_id, status["digest"]))
                if over():
                    until = until or loop.time() + _SETTLED_WITHIN
                    if not await asyncio.to_thread(self._waiting):
                        break
                await asyncio.sleep(_LOOK_EVERY)

    def close(self) -> None:
        self._store.close()

    def _inbox(self) -> list[dict[str, Any]]:
        """What a manager finds in theirs, all pages of it."""
        person = MANAGERS[0]
        places = PeopleTable(self._store).places_of(person, datetime.now(UTC))
        inbox, found, after = InboxTable(self._store), list[dict[str, Any]](), None
        while True:
            page = inbox.page(Search("mine", person, places, after=after, limit=200))
            found += page.statuses
            after = page.next
            if after is None:
                return found

    def _waiting(self) -> bool:
        search = Search("all", requester=REQUESTER, limit=1)
        return bool(InboxTable(self._store).page(search).statuses)

    async def _decide(self, request_id: str, digest: str) -> None:
        way = self._ways.get(request_id)
        if way is None or way == "expire":
            return  # its customer changes their mind, or nobody looks at it
        # The seed repeats a run; nothing here is secret.
        chance = random.Random(f"approver {self._seed} {request_id}")  # noqa: S311
        one, other = chance.sample(MANAGERS, 2)
        decision = _Decisions(ApprovalHandle[Any](self._temporal, request_id), digest)
        replies: list[Reply] = []
        match way:
            case "approve":
                replies = [await decision.approve(one)]
            case "reject":
                replies = [await decision.reject(one)]
            case "twice":
                replies = [await decision.approve(one, act_id=f"demo-{request_id}")]
                again = await decision.approve(one, act_id=f"demo-{request_id}")
                if again != replies[0]:
                    self._complain(request_id, "the same act got another answer", again)
                replies.append(await decision.approve(one))
            case "at_once":
                replies += await asyncio.gather(decision.approve(one), decision.reject(other))
        expected = ["applied", "closed"][: len(replies)]
        if sorted(reply.verdict for reply in replies) != expected:
            self._complain(request_id, f"{' and '.join(expected)} were due to {way}", *replies)

    def _complain(self, request_id: str, what: str, *replies: Reply) -> None:
        got = "; ".join(f"{reply.verdict} ({reply.message})" for reply in replies)
        self.violations.append(f"Request {request_id}: {what}, and the answer was {got}.")


class _Decisions:
    """On one request, bound to what was shown in the inbox."""

    def __init__(self, handle: ApprovalHandle[Any], digest: str) -> None:
        self._handle = handle
        self._digest = digest

    async def approve(self, by: str, *, act_id: str | None = None) -> Reply:
        return await self._handle.approve(
            by=by, act_id=act_id, digest=self._digest, channel="library", wait=_ANSWER
        )

    async def reject(self, by: str) -> Reply:
        return await self._handle.reject(
            "more than this customer has ever bought",
            by=by,
            digest=self._digest,
            channel="library",
            wait=_ANSWER,
        )
