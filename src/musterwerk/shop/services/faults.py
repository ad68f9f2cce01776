"""Faults on purpose, between the network and a service that knows nothing of them.

Which request meets which fault follows from the seed, the address, the order, its article where
one is named, and how often these have been there. Idempotency keys are left out: they are new in
every run.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, cast, get_args

from musterwerk.shop.services.exchange import Answer, Call, ConnectionDropped, Handler
from musterwerk.shop.services.problems import Problem

FaultKind = Literal["refuse", "fail_before", "lose_reply", "late", "unavailable", "duplicate"]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

#: How the faults are spread. Refusals end an order and an outage hits everybody: both are rare.
SHARES: Mapping[FaultKind, float] = {
    "refuse": 0.06,
    "fail_before": 0.28,
    "lose_reply": 0.28,
    "late": 0.10,
    "unavailable": 0.02,
    "duplicate": 0.26,
}

#: How many requests for one thing may meet a fault where the order is spared the worst.
SPARED_AFTER = 2


@dataclass(frozen=True)
class Fault:
    """`detail`, from 0 up to 1, settles how long, or which of two ways."""

    kind: FaultKind
    detail: float

    def between(self, least: float, most: float) -> float:
        return least + self.detail * (most - least)


@dataclass(frozen=True)
class FaultPlan:
    """`rate` is the probability that a request meets a fault; durations are in seconds.

    `late` begins after the callers' timeout (`musterwerk.shop.gateway.TIMEOUT`). The orders in
    `spared` get past every step that may refuse: they meet no pretended refusal there, and from
    the third request on no fault at all, so that their attempts suffice.
    """

    seed: int = 0
    rate: float = 0.0
    shares: Mapping[FaultKind, float] = field(default_factory=lambda: SHARES)
    late: tuple[float, float] = (1.2, 4.0)
    outage: tuple[float, float] = (0.3, 1.0)
    spared: frozenset[str] = frozenset()

    def decide(self, service: str, path: str, order: str, nth: int) -> Fault | None:
        text = "\0".join((str(self.seed), service, path, order, str(nth)))
        digest = sha256(text.encode(errors="replace")).digest()
        chance, choice, detail = (
            int.from_bytes(digest[start : start + 6]) / 2**48 for start in (0, 6, 12)
        )
        if chance >= self.rate:
            return None
        left = choice * sum(self.shares.values())
        for kind in KINDS:
            left -= self.shares.get(kind, 0.0)
            if left < 0:
                return Fault(kind, detail)
        raise ValueError("a fault plan needs at least one share above zero")


class Faults:
    """A handler that injects the plan's faults. `refusals` says which addresses may refuse."""

    def __init__(
        self, service: str, plan: FaultPlan, refusals: Mapping[str, Problem], inner: Handler
    ) -> None:
        self._service = service
        self._plan = plan
        self._refusals = refusals
        self._inner = inner
        self._seen: Counter[tuple[str, str]] = Counter()
        self._back_at = 0.0
        self.injected: Counter[FaultKind] = Counter()
        self.in_flight = 0

    async def __call__(self, call: Call) -> Answer:
        self.in_flight += 1
        try:
            return await self._handle(call)
        finally:
            self.in_flight -= 1

    def report(self) -> dict[str, Any]:
        return {"injected": dict(self.injected), "in_flight": self.in_flight}

    def outage(self) -> Answer | None:
        """The answer to everybody while the service is down."""
        if time.monotonic() < self._back_at:
            return _answer("unavailable", f"{self._service} is down for a moment")
        return None

    async def _handle(self, call: Call) -> Answer:
        order, subject = _subject(call)
        self._seen[call.path, subject] += 1
        nth = self._seen[call.path, subject]
        refusable = call.path in self._refusals
        spared = refusable and order in self._plan.spared
        if spared and nth > SPARED_AFTER:
            return await self._inner(call)
        down = self.outage()
        if down is not None:
            return down
        fault = self._plan.decide(self._service, call.path, subject, nth)
        if fault is None:
            return await self._inner(call)
        if fault.kind == "refuse" and (spared or not refusable):
            fault = Fault("fail_before", fault.detail)
        self.injected[fault.kind] += 1
        return await self._inject(fault, call)

    async def _inject(self, fault: Fault, call: Call) -> Answer:
        match fault.kind:
            case "refuse":
                return Answer.of(self._refusals[call.path].response())
            case "fail_before":
                return _answer("internal", "failed before anything was done")
            case "lose_reply":
                await self._inner(call)
                if fault.detail < 0.5:
                    raise ConnectionDropped
                return _answer("internal", "failed, and nobody knows what was done")
            case "late":
                await asyncio.sleep(fault.between(*self._plan.late))
                return await self._inner(call)
            case "unavailable":
                self._back_at = time.monotonic() + fault.between(*self._plan.outage)
                return _answer("unavailable", f"{self._service} goes down for a moment")
            case "duplicate":
                return await self._twice(call, at_once=fault.detail < 0.5)

    async def _twice(self, call: Call, *, at_once: bool) -> Answer:
        if at_once:
            _, answer = await asyncio.gather(self._inner(call), self._inner(call))
            return answer
        await self._inner(call)
        return await self._inner(call)


def _subject(call: Call) -> tuple[str, str]:
    """The order, and what its faults are drawn by.

    That is the order with the article: an order's articles come at once, in any sequence.
    """
    try:
        body = json.loads(call.body)
    except (ValueError, RecursionError):
        return "", ""  # the service will say what is wrong with it
    if not isinstance(body, dict):
        return "", ""
    named = cast("dict[str, Any]", body)
    order = str(named.get("order_id", ""))
    return order, f"{order}/{named['sku']}" if "sku" in named else order


def _answer(slug: str, detail: str) -> Answer:
    return Answer.of(Problem(slug, detail).response())
