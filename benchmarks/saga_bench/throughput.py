"""Orders per second and CPU per order, in alternating rounds, so that drift cancels."""

from __future__ import annotations

import os
import random
import statistics
import time
from dataclasses import dataclass
from typing import Any

import psutil

from saga_bench.bench import (
    HAND_WRITTEN,
    HAND_WRITTEN_BRANCHES,
    SAGA,
    SAGA_BRANCHES,
    WORKFLOWS,
    Bench,
    WorkerProcess,
    say,
)

GOAL = 0.95
_HISTORIES = 5
_RESAMPLES = 2000


@dataclass(frozen=True)
class Round:
    """`others` is the share of the machine's CPU that other programs took meanwhile."""

    orders_per_second: float
    worker_cpu_ms: float
    server_cpu_ms: float
    others: float

    @property
    def cpu_ms(self) -> float:
        return self.worker_cpu_ms + self.server_cpu_ms


async def measure(bench: Bench) -> dict[str, Any]:
    rounds: dict[str, list[Round]] = {name: [] for name in WORKFLOWS}
    last: dict[str, list[str]] = {}
    async with bench.worker(cache=1000) as worker:
        for name in WORKFLOWS:
            say(f"warming up: {name}")
            await _round(bench, worker, name, bench.settings.concurrency)
        for number in range(bench.settings.rounds):
            for name in _order_of(number):
                one, last[name] = await _round(bench, worker, name, bench.settings.orders)
                rounds[name].append(one)
                say(
                    f"round {number + 1}/{bench.settings.rounds}  {name:<21}"
                    f" {one.orders_per_second:6.1f} orders/s,"
                    f" worker {one.worker_cpu_ms:5.1f} ms, server {one.server_cpu_ms:5.1f} ms,"
                    f" other programs {one.others:4.0%}"
                )
    variants = {
        name: _figures(rounds[name]) | await _history(bench, last[name]) for name in WORKFLOWS
    }
    return {
        "variants": variants,
        "saga_to_hand_written": _compare(rounds[SAGA], rounds[HAND_WRITTEN]),
        "branches": _compare(rounds[SAGA_BRANCHES], rounds[HAND_WRITTEN_BRANCHES]),
    }


def _order_of(number: int) -> list[str]:
    """Every round begins one variant later, and every other one is reversed: drift cancels."""
    names = list(WORKFLOWS)
    place = number // 2 % len(names)
    turned = names[place:] + names[:place]
    return turned[::-1] if number % 2 else turned


async def _round(
    bench: Bench, worker: WorkerProcess, name: str, orders: int
) -> tuple[Round, list[str]]:
    pids = (worker.process.pid, bench.server.process.pid, os.getpid())
    watched = [psutil.Process(pid) for pid in pids]
    before, machine_before = [cpu_seconds(one) for one in watched], _machine_seconds()
    started = time.perf_counter()
    ids = await bench.many(worker, orders, lambda: bench.execute(worker, WORKFLOWS[name]))
    seconds = time.perf_counter() - started
    used = [cpu_seconds(one) - then for one, then in zip(watched, before, strict=True)]
    others = _machine_seconds() - machine_before - sum(used)
    return Round(
        orders_per_second=orders / seconds,
        worker_cpu_ms=used[0] * 1000 / orders,
        server_cpu_ms=used[1] * 1000 / orders,
        others=max(0.0, others / seconds / (os.cpu_count() or 1)),
    ), ids


async def _history(bench: Bench, ids: list[str]) -> dict[str, float]:
    """What the server keeps of an order, by its own count."""
    events: list[int] = []
    size: list[int] = []
    for identity in ids[-_HISTORIES:]:
        handle = bench.client.get_workflow_handle(identity)
        events.append(len((await handle.fetch_history()).events))
        description = await handle.describe()
        size.append(description.raw_description.workflow_execution_info.history_size_bytes)
    return {
        "history_events_per_order": statistics.median(events),
        "history_bytes_per_order": statistics.median(size),
    }


def _figures(rounds: list[Round]) -> dict[str, Any]:
    rates = [one.orders_per_second for one in rounds]
    return {
        "orders_per_second": round(statistics.median(rates), 2),
        "orders_per_second_rounds": [round(rate, 2) for rate in rates],
        "worker_cpu_ms_per_order": round(statistics.median(r.worker_cpu_ms for r in rounds), 2),
        "server_cpu_ms_per_order": round(statistics.median(r.server_cpu_ms for r in rounds), 2),
        "other_programs_cpu_share": round(statistics.median(r.others for r in rounds), 3),
    }


def _compare(saga: list[Round], by_hand: list[Round]) -> dict[str, Any]:
    pairs = list(zip(saga, by_hand, strict=True))
    throughput = _spread([s.orders_per_second / h.orders_per_second for s, h in pairs])
    return {
        "throughput": throughput,
        "throughput_of_medians": round(
            statistics.median(s.orders_per_second for s in saga)
            / statistics.median(h.orders_per_second for h in by_hand),
            4,
        ),
        "throughput_per_cpu": _spread([_ratio(h.cpu_ms, s.cpu_ms) for s, h in pairs]),
        "worker_cpu": _spread([_ratio(s.worker_cpu_ms, h.worker_cpu_ms) for s, h in pairs]),
        "server_cpu": _spread([_ratio(s.server_cpu_ms, h.server_cpu_ms) for s, h in pairs]),
        "throughput_interval_95": _interval(throughput["rounds"]),
        "goal": GOAL,
        "goal_met": throughput["median"] >= GOAL,
    }


def _interval(ratios: list[float]) -> list[float]:
    """Where the median of such pairs lies in 95 of 100 cases, by bootstrap (percentiles)."""
    chance = random.Random(0)  # noqa: S311 - the same pairs give the same interval
    medians = sorted(
        statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(_RESAMPLES)
    )
    return [round(medians[at * _RESAMPLES // 1000], 4) for at in (25, 975)]


def _spread(ratios: list[float]) -> dict[str, Any]:
    return {
        "median": round(statistics.median(ratios), 4),
        "lowest": round(min(ratios), 4),
        "highest": round(max(ratios), 4),
        "rounds": [round(ratio, 4) for ratio in ratios],
    }


def _ratio(one: float, other: float) -> float:
    # A round of a few orders can be shorter than a tick of the CPU clock.
    return one / other if other else 1.0


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _machine_seconds() -> float:
    times = psutil.cpu_times()
    return times.user + times.nice + times.system
