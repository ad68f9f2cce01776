"""What the console's inbox costs: a page among very many requests, and many browsers that listen.

Prints JSON on stdout and nothing else there. A real console process serves a real database; the
time of a page is that of the whole answer, over HTTP on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import psutil

from approvals_bench.company import Company, request
from approvals_bench.figures import say, spread
from approvals_bench.filling import fill, told
from musterwerk.cli.console import start_console
from musterwerk.console.access.cookies import SESSION
from musterwerk.runtime.connection import Target
from musterwerk.runtime.exits import leave
from musterwerk.runtime.processes import ManagedProcess
from musterwerk.store import InboxTable, Store, database_url
from musterwerk.store.sessions import SessionTable

_PEOPLE, _GROUPS = 300, 40
_WARM_UP = 10
#: There is no Temporal: pages are read from the database.
_NOWHERE = Target("127.0.0.1:1", "default", isolated=True)
_GOALS = {"page_p95_ms": 200, "page_bytes": 150_000}


@dataclass
class Desk:
    store: Store
    company: Company
    url: str
    process: ManagedProcess
    sessions: dict[str, str] = field(default_factory=dict[str, str])

    def cookie(self, person: str) -> dict[str, str]:
        if person not in self.sessions:
            self.sessions[person] = SessionTable(self.store).open(person)
        return {"Cookie": f"{SESSION}={self.sessions[person]}"}

    def memory_mb(self) -> float:
        return round(psutil.Process(self.process.pid).memory_info().rss / 1e6, 1)


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    load = [round(one, 2) for one in os.getloadavg()]
    async with _desk(options.open) as (desk, filled):
        page = await _pages(desk, options.pages)
        live = await _live(desk, options.browsers, options.updates)
    return {
        "benchmark": "console",
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), "fastapi": version("fastapi")},
        "machine": {"cores": os.cpu_count(), "load_average_before": load},
        "open_requests": filled,
        "inbox_page": page,
        "live": live,
        "goals": _GOALS,
    }


@asynccontextmanager
async def _desk(count: int) -> AsyncGenerator[tuple[Desk, int]]:
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = Store(database_url(data, {}))
        stack.callback(store.close)
        company = Company.of(_PEOPLE, _GROUPS)
        say(f"console: {count} open requests")
        filled = await asyncio.to_thread(fill, store, company, count)
        process, url = await start_console(data, _NOWHERE, port=0)
        stack.push_async_callback(process.stop)
        yield Desk(store, company, url, process), filled


async def _pages(desk: Desk, count: int) -> dict[str, Any]:
    chance = random.Random(count)  # noqa: S311 - repeatable
    took: list[float] = []
    sizes: list[int] = []
    async with httpx.AsyncClient(base_url=desk.url, timeout=30) as http:
        assets = sum(
            [len((await http.get(f"/static/musterwerk.{one}")).content) for one in ("css", "js")]
        )
        for number in range(count + _WARM_UP):
            headers = desk.cookie(chance.choice(desk.company.people))
            begun = time.perf_counter()
            answer = await http.get("/inbox", headers=headers)
            if number >= _WARM_UP:
                took.append(time.perf_counter() - begun)
                sizes.append(len(answer.content))
            if answer.status_code != 200 or 'data-live="inbox"' not in answer.text:
                raise RuntimeError(f"this is no inbox: {answer.status_code}")
    say(f"console: {count} pages of the inbox")
    return {
        **spread(took),
        "largest_bytes": max(sizes),
        "assets_bytes": assets,
        "whole_bytes": max(sizes) + assets,
    }


@dataclass
class Ear:
    """A browser that listens: when it heard of which request."""

    person: str
    heard: dict[str, float] = field(default_factory=dict[str, float])
    open: asyncio.Event = field(default_factory=asyncio.Event)


async def _live(desk: Desk, browsers: int, updates: int) -> dict[str, Any]:
    before = desk.memory_mb()
    ears = [Ear(desk.company.people[n % len(desk.company.people)]) for n in range(browsers)]
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=desk.url, timeout=None, limits=limits) as http:  # noqa: S113
        listening = [asyncio.create_task(_listen(http, desk, ear)) for ear in ears]
        await asyncio.gather(*(ear.open.wait() for ear in ears))
        await _settled(desk, ears)
        delays, expected = await _updates(desk, ears, updates)
        after = desk.memory_mb()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    return {
        "browsers": browsers,
        "updates": updates,
        "expected": expected,
        "delivered": len(delays),
        "delay": spread(delays),
        "memory_mb_before": before,
        "memory_mb_with_browsers": after,
    }


async def _listen(http: httpx.AsyncClient, desk: Desk, ear: Ear) -> None:
    async with http.stream("GET", "/events", headers=desk.cookie(ear.person)) as answer:
        ear.open.set()
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                for one in json.loads(line.removeprefix("data:")):
                    ear.heard.setdefault(one, time.perf_counter())


async def _settled(desk: Desk, ears: list[Ear]) -> None:
    """Every browser hears: one after another, until all have heard of something."""
    for attempt in range(100):
        await asyncio.to_thread(_change, desk, f"settle-{attempt}", desk.company.groups)
        await asyncio.sleep(1)
        if all(ear.heard for ear in ears):
            return
    raise RuntimeError("some browsers hear nothing")


async def _updates(desk: Desk, ears: list[Ear], updates: int) -> tuple[list[float], int]:
    delays: list[float] = []
    expected = 0
    for number in range(updates):
        group = desk.company.groups[number % len(desk.company.groups)]
        mine = [one for one in ears if one.person in desk.company.members(group)]
        name = f"update-{number}"
        begun = await asyncio.to_thread(_change, desk, name, [group])
        for _ in range(500):
            if all(name in ear.heard for ear in mine):
                break
            await asyncio.sleep(0.02)
        expected += len(mine)
        delays += [ear.heard[name] - begun for ear in mine if name in ear.heard]
    say(f"console: {updates} updates heard by {len(ears)} browsers")
    return delays, expected


def _change(desk: Desk, name: str, groups: list[str] | tuple[str, ...]) -> float:
    """A new request, as its workflow tells it. When it was on record."""
    chance = random.Random(name)  # noqa: S311 - repeatable
    for number, group in enumerate(groups):
        asked = request(desk.company, chance, number)
        policy = asked.policy.model_copy(update={"approvers": (f"group:{group}",), "levels": ()})
        now = datetime.now(UTC)
        label = name if len(groups) == 1 else f"{name}-{number}"
        InboxTable(desk.store).write(
            told(desk.store, label, asked.model_copy(update={"policy": policy}), now), now
        )
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=100_000, help="open requests")
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--browsers", type=int, default=200, help="that listen at once")
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="little of each; measures nothing")
    options = parser.parse_args()
    if options.quick:
        options.open, options.pages, options.browsers, options.updates = 500, 5, 10, 3
    result = asyncio.run(measure(options))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    sys.stdout.flush()
    leave(0)


if __name__ == "__main__":
    main()
