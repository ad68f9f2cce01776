"""Our account of the server's rules, held to the server itself: zones, years, specs.

Sparse specs are compared over all years, dense ones around each clock change, where the server's
peculiarities are.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from temporalio.client import Client

from musterwerk.schedules import Calendar, When, cron, on
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.native import NativeSpec
from musterwerk.schedules.server_rules import CHECKED_AGAINST, fires
from musterwerk.schedules.zones import Zone, zone
from schedules_bench.asking import Asked, asked, server_version

FIRST, YEARS = datetime(2026, 1, 1, tzinfo=UTC), 10
#: Wide enough for the hours before and after, and for a neighbouring midnight.
NEAR = timedelta(hours=27)
#: Always there: what the project promises, half an hour, midnight left out, a day left out.
NAMED = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "UTC",
)
_DATES = tuple(
    datetime(year, month, 28, hour, 30, tzinfo=UTC)
    for year in (2026, 2027, 2028)
    for month in (3, 10)
    for hour in (0, 1, 2)
)
SPARSE = (
    cron("30 2 * * *"),
    cron("0 0 * * *"),
    cron("15 3 * * *"),
    cron("30 23 * * 0"),
    cron("0 1 * * SUN"),
    cron("0 6 L * *"),
    cron("0 12 15W * *"),
    cron("45 1 * 3,4,10,11 *"),
    cron("0 9 13 * FRI"),
    cron("0 2 29 2 *"),
    on(Calendar(weekday="FRI", day="1-7", hour="0", minute="59")),
    cron("0 9 * * *", business_days="DE", exclude=["2026-12-24"]),
)
DENSE = (
    cron("* * * * *"),
    cron("*/15 * * * *"),
    cron("30 * * * *"),
    cron("0 */2 * * *"),
    cron("*/7 0-4 * * *"),
    cron("59 1-3,23 * * *"),
    on(Calendar(hour="0-3", minute="0,30", second="0,59")),
    cron("0,20,40 0,2 * * 0,1,6"),
    # Of several parts: the server goes on from where another one fired.
    cron("30 2 * * *", "*/20 1-3 * * *"),
    cron("0 0 * * *", "45 23 * * *", "15 0,3 * * *"),
    cron("30 2 * * *", every=timedelta(minutes=45)),
    cron("*/15 1 * * *", at=_DATES, exclude=["2027-03-28", "2028-10-29"]),
)


@dataclass
class Tally:
    compared: int = 0
    zones: int = 0
    specs: int = 0
    mismatches: list[str] = field(default_factory=list[str])

    def add(self, name: str, ours: list[datetime], theirs: list[datetime]) -> None:
        self.compared += len(set(ours) | set(theirs))
        for at in sorted(set(ours) ^ set(theirs)):
            who = "only ours" if at in ours else "only the server's"
            self.mismatches.append(f"{name}: {at:%Y-%m-%d %H:%M:%SZ} is {who}")


def zones_of_different_rules(count: int, years: int) -> list[str]:
    """The named ones first, then one for each way in which clocks change in these years."""
    end = FIRST.replace(year=FIRST.year + years)
    found, rules = list[str](NAMED), {_rule(zone(name), end) for name in NAMED}
    for name in sorted(available_timezones()):
        if len(found) >= count:
            break
        if "/" not in name or name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/")):
            continue
        if (rule := _rule(zone(name), end)) not in rules:
            rules.add(rule)
            found.append(name)
    return found[:count]


def _rule(one: Zone, end: datetime) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (
        tuple(one.changes_between(int(FIRST.timestamp()), int(end.timestamp()))),
        tuple(one.offsets_between(FIRST, end)),
    )


async def compare(client: Client, zones: Iterable[str], years: int, at_once: int) -> Tally:
    tally, names, gate = Tally(), list(zones), asyncio.Semaphore(at_once)

    async def one(name: str, when: When, dense: bool) -> None:
        async with gate:
            spec = compile_when(when.model_copy(update={"time_zone": name}), FIRST).spec
            async with asked(client, spec) as server:
                for span in _spans(zone(name), years, dense):
                    await _compare(tally, f"{name} {_label(when)}", spec, server, span)

    for number, name in enumerate(names, 1):
        sparse, dense = [one(name, w, False) for w in SPARSE], [one(name, w, True) for w in DENSE]
        await asyncio.gather(*sparse, *dense)
        tally.zones, tally.specs = number, len(SPARSE) + len(DENSE)
        _say(
            f"{number} of {len(names)} zones, {tally.compared:,} times compared, "
            f"{len(tally.mismatches)} differ"
        )
    return tally


async def _compare(
    tally: Tally, name: str, spec: NativeSpec, server: Asked, span: tuple[datetime, datetime]
) -> None:
    theirs = await server.times(*span)
    tally.add(name, list(fires(spec, *span)), theirs)


def _spans(one: Zone, years: int, dense: bool) -> list[tuple[datetime, datetime]]:
    end = FIRST.replace(year=FIRST.year + years)
    if not dense:
        return [(FIRST, end)]
    changes = one.changes_between(int(FIRST.timestamp()), int(end.timestamp()))
    moments = [datetime.fromtimestamp(at, UTC) for at in changes] or [FIRST + timedelta(days=90)]
    return [(at - NEAR, at + NEAR) for at in moments]


def _say(text: str) -> None:
    sys.stderr.write(f"evaluator: {text}\n")


def _label(when: When) -> str:
    return str(when.model_dump(mode="json", exclude_defaults=True, exclude={"time_zone"}))


async def measure(client: Client, zones: int = 64, years: int = YEARS) -> dict[str, Any]:
    """What is printed as `evaluator`. The first mismatches are named on stderr."""
    version = await server_version(client)
    tally = await compare(client, zones_of_different_rules(zones, years), years, at_once=6)
    for line in tally.mismatches[:50]:
        _say(line)
    return {
        "server": f"Temporal Server {version}",
        "checked_against": CHECKED_AGAINST,
        "zones": tally.zones,
        "years": years,
        "specs": tally.specs,
        "compared": tally.compared,
        "mismatches": len(tally.mismatches),
    }
