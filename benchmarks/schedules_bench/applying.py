"""How long plan and apply take for many schedules, on an embedded server of their own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, When, cron, every
from musterwerk.schedules.applying import apply_plan
from musterwerk.schedules.declaring import Declaration
from musterwerk.schedules.planning import make_plan
from musterwerk.schedules.server import ScheduleServer


def _when(number: int) -> When:
    """A quarter each: what is common, and what costs more to compile."""
    minute, hour = number % 60, number % 24
    kinds: tuple[Callable[[], When], ...] = (
        lambda: cron(f"{minute} {hour} * * *", tz="Europe/Berlin"),
        lambda: every("15m", phase=f"{number % 15}m"),
        lambda: cron(f"{minute} 9 * * *", tz="Europe/Berlin", business_days="DE-BY"),
        lambda: cron(f"{minute} 2 * * *", tz="America/New_York", dst="once"),
    )
    return kinds[number % len(kinds)]()


async def measure(count: int) -> dict[str, Any]:
    """In seconds: a plan of all new, their apply, a plan of all unchanged, its apply's writes, a
    change of all."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedServer(Path(folder), ui=False) as running:
            server = ScheduleServer(await connect(running.address, isolated=True))
            begun = time.perf_counter()
            plan = await make_plan(server, _declared(count, ""))
            first = time.perf_counter()
            failed = sum(bool(one.flaw) for one in await apply_plan(server, plan))
            applied = time.perf_counter()
            again = await make_plan(server, _declared(count, ""))
            planned = time.perf_counter()
            second = await apply_plan(server, again)
            changing = time.perf_counter()
            changed = await apply_plan(server, await make_plan(server, _declared(count, "new")))
            failed += sum(bool(one.flaw) for one in changed)
            return {
                "schedules": count,
                "first_plan_s": round(first - begun, 2),
                "apply_s": round(applied - first, 2),
                "plan_s": round(planned - applied, 2),
                "second_apply_writes": len(second),
                "change_all_s": round(time.perf_counter() - changing, 2),
                "failed": failed,
            }


def _declared(count: int, owner: str) -> Declaration:
    return Declaration(
        "benchmark",
        "benchmark",
        tuple(
            Schedule(
                f"benchmark-{n}",
                "Idle",
                task_queue="nobody",
                when=_when(n),
                owner=owner,
            )
            for n in range(count)
        ),
    )
