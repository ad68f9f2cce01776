"""People who decide, several at once, and what became of each of their decisions."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from temporalio.client import Client

from approvals_bench.company import Company
from musterwerk.approvals import ApprovalHandle, ApprovalRequest, Decision, Policy, start
from musterwerk.approvals.client import new_id
from musterwerk.errors import ServerError

#: One in so many needs two people, one in so many acts is sent twice.
_TWO_VOTES, _TWICE = 5, 20
_STARTS_AT_ONCE = 16


@dataclass
class Sent:
    """One decision. Times are seconds; `ended` only of the vote that ended its request."""

    request: str
    act: str
    by: str
    at: float
    verdict: str = ""
    acknowledged: float = 0.0
    ended: float | None = None
    sends: int = 1


@dataclass
class Case:
    """A request that is open, and who will decide it."""

    handle: ApprovalHandle[Any]
    voters: list[str]


@dataclass
class Floor:
    """Where requests are opened and decided. All that was sent, and how requests ended."""

    client: Client
    company: Company
    sent: list[Sent] = field(default_factory=list[Sent])
    results: dict[str, Decision[Any]] = field(default_factory=dict[str, Decision[Any]])
    resent_differently: int = 0
    _opened: int = 0

    async def open(self, votes: int) -> list[Case]:
        """As many requests as take so many votes."""
        gate = asyncio.Semaphore(_STARTS_AT_ONCE)

        async def one(number: int, voters: list[str], requester: str, group: str) -> Case:
            asked = ApprovalRequest[Any](
                subject=f"Payment {number} of 730.00 EUR",
                details={"invoice": f"R-{number}", "lines": [{"item": "paper"}] * 5},
                requester=requester,
                policy=Policy(
                    approvers=(f"group:{group}",), quorum=len(voters), four_eyes=number % 2 == 0
                ),
            )
            async with gate:
                handle = await start(self.client, asked, id=f"payment-{number}")
            return Case(handle, voters)

        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one(*given)) for given in self._planned(votes)]
        return [task.result() for task in running]

    def _planned(self, votes: int) -> Iterable[tuple[int, list[str], str, str]]:
        chance = random.Random(self._opened)  # noqa: S311 - repeatable
        while votes > 0:
            self._opened += 1
            number = self._opened
            needed = min(votes, 2 if number % _TWO_VOTES == 0 else 1)
            votes -= needed
            requester = chance.choice(self.company.present)
            group = chance.choice(self.company.groups)
            able = [one for one in self.company.members(group) if one in self.company.present]
            able = [one for one in able if one != requester]
            yield number, chance.sample(able, needed), requester, group

    async def decide(self, cases: Iterable[Case], clients: int) -> None:
        """By so many people at once; each waits for the end of a request before the next."""
        waiting = deque(cases)

        async def client() -> None:
            while waiting:
                await self._through(waiting.popleft())

        async with asyncio.TaskGroup() as tasks:
            for _ in range(clients):
                tasks.create_task(client())

    async def _through(self, case: Case) -> None:
        # It is waited for before it is decided, as by a workflow that asked.
        result = asyncio.create_task(_result(case.handle))
        for voter in case.voters:
            sent = Sent(case.handle.id, new_id(), voter, asyncio.get_running_loop().time())
            self.sent.append(sent)
            await self._send(case.handle, sent)
        decision, at = await result
        self.results[case.handle.id] = decision
        last = self.sent_of(case)[-1]
        last.ended = max(0.0, at - (last.at + last.acknowledged))

    def sent_of(self, case: Case) -> list[Sent]:
        return [one for one in self.sent[-200:] if one.request == case.handle.id]

    async def _send(self, handle: ApprovalHandle[Any], sent: Sent) -> None:
        number = len(self.sent)
        async for _ in _until_told():
            try:
                reply = await handle.approve(by=sent.by, act_id=sent.act)
            except ServerError:
                sent.sends += 1
                continue
            sent.verdict = reply.verdict
            sent.acknowledged = asyncio.get_running_loop().time() - sent.at
            break
        if number % _TWICE == 0:
            again = await handle.approve(by=sent.by, act_id=sent.act)
            sent.sends += 1
            self.resent_differently += not again.ok


async def _until_told() -> AsyncIterator[None]:
    """Nothing was sent: the same again does no harm."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        yield
        await asyncio.sleep(0.1)
    raise ServerError("a decision could not be sent for a minute")


async def _result(handle: ApprovalHandle[Any]) -> tuple[Decision[Any], float]:
    return await handle.result(), asyncio.get_running_loop().time()
