"""What a worker process holds for a thousand open sagas, and for as many written by hand."""

from __future__ import annotations

import statistics
from typing import Any

import psutil

from saga_bench.bench import HAND_WRITTEN, SAGA, WORKFLOWS, Bench, WorkerProcess, new_order, say

#: Beside the open ones, room for those that run once to warm the worker up.
_SPARE = 100


async def measure(bench: Bench) -> dict[str, Any]:
    """Each measurement has a worker of its own, and the order alternates."""
    measured: dict[str, list[tuple[int, int]]] = {HAND_WRITTEN: [], SAGA: []}
    rounds = bench.settings.open_rounds
    for number in range(rounds):
        names = [HAND_WRITTEN, SAGA] if number % 2 == 0 else [SAGA, HAND_WRITTEN]
        for name in names:
            before, after = await _hold(bench, name)
            measured[name].append((before, after))
            say(
                f"memory {number + 1}/{rounds}  {name:<12} {before / 2**20:.1f} MB, with "
                f"{bench.settings.open} open {after / 2**20:.1f} MB"
            )
    figures = {name: _figures(pairs, bench.settings.open) for name, pairs in measured.items()}
    by_hand, saga = (figures[name]["rss_bytes_per_workflow"] for name in (HAND_WRITTEN, SAGA))
    return {
        "open": bench.settings.open,
        **figures,
        "saga_minus_hand_written_bytes_per_workflow": saga - by_hand,
    }


async def _hold(bench: Bench, name: str) -> tuple[int, int]:
    """The worker's resident memory before and after it holds the open workflows."""
    async with bench.worker(cache=bench.settings.open + _SPARE) as worker:
        process = psutil.Process(worker.process.pid)
        warm_up = bench.settings.concurrency
        await bench.many(worker, warm_up, lambda: bench.execute(worker, WORKFLOWS[name]))
        before = process.memory_info().rss
        await bench.many(worker, bench.settings.open, lambda: _open(bench, worker, name))
        return before, process.memory_info().rss


async def _open(bench: Bench, worker: WorkerProcess, name: str) -> None:
    """Start one and wait until it has run its two steps and waits for its timer."""
    order = new_order()
    handle = await bench.client.start_workflow(
        f"{WORKFLOWS[name]}-open", order, id=order.order_id, task_queue=worker.queue
    )
    async for event in handle.fetch_history_events(wait_new_event=True):
        if event.HasField("timer_started_event_attributes"):
            return
    raise RuntimeError(f"workflow {handle.id} ended instead of staying open")


def _figures(pairs: list[tuple[int, int]], count: int) -> dict[str, Any]:
    each = [round((after - before) / count) for before, after in pairs]
    return {
        "rss_bytes_before": round(statistics.median(before for before, _ in pairs)),
        "rss_bytes_after": round(statistics.median(after for _, after in pairs)),
        "rss_bytes_per_workflow": round(statistics.median(each)),
        "rss_bytes_per_workflow_rounds": each,
    }
