"""The approvers of the demo: managers who look into their inbox and decide what they find.

As people do, over the console: one decides twice, two decide at once, some things nobody looks at.
In the middle of it the console is killed, while decisions are on their way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Protocol

from musterwerk.shop.demo.colleague import Answer, Colleague
from musterwerk.shop.demo.releases import Way
from musterwerk.shop.release import REQUESTER, approval_id
from musterwerk.shop.staff import MANAGERS, OPERATORS

_LOOK_EVERY = 0.2
#: How long requests of orders that have ended may take to end as well.
_SETTLED_WITHIN = 30.0
#: The console is killed so many seconds after a decision was sent, at the latest.
_KILLED_WITHIN = 0.1
_REASON = "more than this customer has ever bought"


class Server(Protocol):
    """The console, as far as its visitors care."""

    url: str

    async def kill(self) -> None: ...


class Approvers:
    """`tokens` are of the managers and the operator. `violations` are sentences about answers
    that nobody should get, and about decisions that were lost or counted twice."""

    def __init__(
        self, console: Server, tokens: Mapping[str, str], ways: Mapping[str, Way], seed: int
    ) -> None:
        self._console = console
        self._people = {
            name: Colleague(name, token, lambda: console.url) for name, token in tokens.items()
        }
        self._ways: dict[str, Way] = {approval_id(order_id): way for order_id, way in ways.items()}
        self._seed = seed
        decided = sum(way != "expire" for way in ways.values())
        self._kill_at = max(1, decided // 2)
        self._begun = 0
        self._told: dict[str, list[Answer]] = {}
        self.kills = 0
        self.violations: list[str] = []

    async def decide_all(self, over: Callable[[], bool]) -> None:
        """Decide what comes in until it is `over`, and everything that was asked has ended."""
        async with AsyncExitStack() as closing:
            for person in self._people.values():
                closing.push_async_callback(person.close)
            await self._decide_until(over)
            for request_id, told in self._told.items():
                await self._compare(request_id, told)

    async def _decide_until(self, over: Callable[[], bool]) -> None:
        seen: set[str] = set()
        loop = asyncio.get_running_loop()
        until: float | None = None
        async with asyncio.TaskGroup() as group:
            while until is None or loop.time() < until:
                for found in await self._people[MANAGERS[0]].requests(box="mine"):
                    request_id = found["request_id"]
                    if request_id not in seen:
                        seen.add(request_id)
                        group.create_task(self._see_to(request_id))
                if over():
                    until = until or loop.time() + _SETTLED_WITHIN
                    everybody = self._people[OPERATORS[0]]
                    if not await everybody.requests(box="all", requester=REQUESTER):
                        break
                await asyncio.sleep(_LOOK_EVERY)

    async def _see_to(self, request_id: str) -> None:
        way = self._ways.get(request_id)
        if way is None or way == "expire":
            return  # its customer changes their mind, or nobody looks at it
        # The seed repeats a run; nothing here is secret.
        chance = random.Random(f"approver {self._seed} {request_id}")  # noqa: S311
        one, other = (self._people[name] for name in chance.sample(MANAGERS, 2))
        shown = await one.look(request_id)
        self._begun += 1
        async with asyncio.TaskGroup() as group:
            if self._begun == self._kill_at:
                group.create_task(self._kill(chance.uniform(0, _KILLED_WITHIN)))
            group.create_task(self._decide(way, one, other, shown))

    async def _kill(self, delay: float) -> None:
        await asyncio.sleep(delay)
        await self._console.kill()
        self.kills += 1

    async def _decide(
        self, way: Way, one: Colleague, other: Colleague, shown: dict[str, Any]
    ) -> None:
        request_id: str = shown["request_id"]
        key = f"demo-{request_id}"
        match way:
            case "reject":
                answers = [await one.decide(shown, "reject", key, reason=_REASON)]
            case "twice":
                first, again = await asyncio.gather(
                    one.decide(shown, "approve", key), one.decide(shown, "approve", key)
                )
                if not again.same(first):
                    self._complain(request_id, "the same act got two answers", first, again)
                answers = [first, await one.decide(shown, "approve", f"{key}-again")]
            case "at_once":
                too = other.decide(shown, "reject", f"{key}-too", reason=_REASON)
                answers = [*await asyncio.gather(one.decide(shown, "approve", key), too)]
            case _:
                answers = [await one.decide(shown, "approve", key)]
        self._told[request_id] = answers
        expected = ["applied", "closed"][: len(answers)]
        if sorted(answer.verdict for answer in answers) != expected:
            self._complain(request_id, f"{' and '.join(expected)} were due to {way}", *answers)

    async def _compare(self, request_id: str, told: list[Answer]) -> None:
        """What counts in the end is what somebody was told, once."""
        ended = await self._people[OPERATORS[0]].look(request_id)
        counted = [(vote["act_id"], ended["state"]) for vote in ended["votes"]]
        applied = [(a.reply["act_id"], a.reply["state"]) for a in told if a.verdict == "applied"]
        if counted != applied:
            self.violations.append(
                f"Request {request_id}: its approvers were told that {applied or 'nothing'} "
                f"counted, and it was {counted or 'nothing'}."
            )

    def _complain(self, request_id: str, what: str, *answers: Answer) -> None:
        got = "; ".join(f"{answer.verdict} ({answer.message})" for answer in answers)
        self.violations.append(f"Request {request_id}: {what}, and the answer was {got}.")
