"""Many decisions by several people, while workers are killed: how fast, and is any lost?"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from approvals_bench.company import Company
from approvals_bench.cpu import Cpu
from approvals_bench.deciding import Floor, Sent
from approvals_bench.figures import percentile, say, spread
from approvals_bench.workers import Workers
from musterwerk.approvals.retained import retained
from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import Store, auditing, database_url
from musterwerk.store.approval_tables import requests
from musterwerk.store.audit import AuditTrail, Filter
from musterwerk.store.audit_folder import AuditFolder

_PEOPLE, _GROUPS = 60, 6
_APPLIED, _RECORDED = "applied", "recorded"


@dataclass(frozen=True)
class Settings:
    """`calm` decisions are made before the killing begins. `open` requests wait at a time."""

    decisions: int
    calm: int
    clients: int
    workers: int
    kill_every: float
    open: int
    compare: bool


async def measure(settings: Settings) -> dict[str, Any]:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        store = Store(database_url(data, {}))
        company = Company.of(_PEOPLE, _GROUPS)
        company.settle(store)
        try:
            async with (
                EmbeddedServer(data / "temporal", ui=False) as server,
                Workers(data, server.address, settings.workers) as workers,
            ):
                client = await connect(server.address, isolated=True)
                floor = Floor(client, company)
                cpu = Cpu(server.process.pid, workers.pids)
                calm = await _phase(floor, store, settings, workers, cpu)
                killed = await _phase(floor, store, settings, workers)
                told = await retained(client) if settings.compare else None
            verdict = auditing.verify(
                store,
                AuditFolder(data / "audit"),
                executions=None if told is None else lambda: told.executions,
            )
            return {
                "decision_ack_p99_ms": killed["ack"]["p99_ms"],
                "resume_p99_ms": killed["resume"]["p99_ms"],
                "decisions": {**_account(floor, store), "clients": settings.clients},
                "with_kills": killed,
                "without_kills": calm,
                "workers": settings.workers,
                "workers_killed": len(workers.kills),
                "audit_ok": verdict.ok,
                "audit_lines": verdict.lines,
                "audit_compared_executions": verdict.executions,
                "decisions_seconds": round(time.perf_counter() - begun, 1),
            }
        finally:
            store.close()


async def _phase(
    floor: Floor, store: Store, settings: Settings, workers: Workers, cpu: Cpu | None = None
) -> dict[str, Any]:
    """Requests are opened while no worker is killed, so that only deciding is measured."""
    kill = cpu is None
    left = settings.decisions if kill else settings.calm
    before, deciding = len(floor.sent), 0.0
    load = round(os.getloadavg()[0], 2)
    while left > 0:
        cases = await floor.open(min(left, settings.open))
        await _all_on_record(store, len(cases))
        left -= sum(len(case.voters) for case in cases)
        begun = time.perf_counter()
        if cpu:
            cpu.begin()
        async with workers.killed(settings.kill_every) if kill else nullcontext():
            await floor.decide(cases, settings.clients)
            deciding += time.perf_counter() - begun
        if cpu:
            cpu.end()
        say(f"decisions: {len(floor.sent)} made, {left} to go" + (" with kills" if kill else ""))
    sent = floor.sent[before:]
    spent = cpu.per(len(sent)) if cpu else {}
    return _figures(sent, deciding) | spent | {"load_average_before": load}


async def _all_on_record(store: Store, count: int) -> None:
    """All that were opened are in the inbox; before that a decision would wait for its request."""
    query = select(func.count()).select_from(requests).where(requests.c.is_open.is_(True))
    while True:
        with store.read() as connection:
            if connection.execute(query).scalar_one() >= count:
                return
        await asyncio.sleep(0.05)


def _figures(sent: Sequence[Sent], seconds: float) -> dict[str, Any]:
    by_signal = [one for one in sent if one.verdict == _RECORDED]
    return {
        "ack": spread([one.acknowledged for one in sent]),
        "ack_applied_p99_ms": percentile(
            [one.acknowledged for one in sent if one.verdict == _APPLIED], 0.99
        ),
        "recorded_by_signal": len(by_signal),
        "recorded_by_signal_share": round(len(by_signal) / max(1, len(sent)), 4),
        "resume": spread([one.ended for one in sent if one.ended is not None]),
        "deciding_seconds": round(seconds, 1),
        "decisions_per_second": round(len(sent) / seconds, 1) if seconds else None,
    }


def _account(floor: Floor, store: Store) -> dict[str, Any]:
    """Lost: acknowledged, and not in the result or not in the trail. Doubled: there twice."""
    in_trail: Counter[tuple[Any, Any]] = Counter(
        (line.request_id, line.data["act_id"])
        for line in AuditTrail(store).lines(only=Filter(event="decided"))
    )
    in_result: Counter[tuple[Any, Any]] = Counter(
        (request, vote.act_id)
        for request, decision in floor.results.items()
        for vote in decision.votes
    )
    voters: Counter[tuple[Any, Any]] = Counter(
        (request, vote.person)
        for request, decision in floor.results.items()
        for vote in decision.votes
    )
    keys = [(one.request, one.act) for one in floor.sent]
    good = [one for one in floor.sent if one.verdict in (_APPLIED, _RECORDED)]
    lost = [one for one in good if not _there(one, in_trail) or not _there(one, in_result)]
    twice = {
        key for counted in (in_trail, in_result, voters) for key in counted if counted[key] > 1
    }
    return {
        "sent": len(keys),
        "acknowledged": len(good),
        "verdicts": dict(Counter(one.verdict for one in floor.sent)),
        "lost": len(lost),
        "doubled": len(twice),
        "unknown": len(set(in_trail) - set(keys)),
        "sent_more_than_once": sum(one.sends > 1 for one in floor.sent),
        "resent_and_told_otherwise": floor.resent_differently,
        "requests": len(floor.results),
    }


def _there(one: Sent, counted: Counter[tuple[Any, Any]]) -> bool:
    return (one.request, one.act) in counted
