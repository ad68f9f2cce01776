"""Our account of the server's rules is held to the server: it says itself when it will fire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from musterwerk.schedules import Calendar, cron, on
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.server_rules import fires
from musterwerk.schedules.zones import zone as zone_of
from tests.schedules.server.conftest import Desk

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ZONES = [
    "Europe/Berlin",
    "Europe/London",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/New_York",
    "Asia/Kathmandu",
    "America/Havana",
    "Africa/Casablanca",
    "America/Santiago",
    "Antarctica/Troll",
]
CRONS = ["30 2 * * *", "0 0 * * *", "0 6 * * 1-5", "0 0 LW * *", "30 1,2,3 * * SUN", "45 23 * * *"]


@pytest.mark.parametrize("zone", ZONES)
async def test_the_server_fires_when_its_rules_say(desk: Desk, zone: str) -> None:
    """A preview that errs is worse than none."""
    span = datetime(2026, 11, 28, tzinfo=UTC), datetime(2028, 6, 1, tzinfo=UTC)
    several = [desk.schedule(f"c{n}", cron(text, tz=zone)) for n, text in enumerate(CRONS)]
    await desk.apply(*several)
    for one in several:
        told = [at async for at in desk.server.times(one.name, *span)]
        assert told == list(fires(compile_when(one.when, NOW).spec, *span)), one.when.cron
        assert told


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York"])
async def test_with_once_the_server_itself_does_what_is_meant(desk: Desk, zone: str) -> None:
    span = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 12, 1, tzinfo=UTC)
    whens = [
        cron("30 2 * * *", tz=zone, dst="once"),
        cron("*/30 1-3 * * *", tz=zone, dst="once"),
        on(Calendar(weekday="SUN", hour="1,2,3", minute="59"), tz=zone, dst="once"),
    ]
    several = [desk.schedule(f"o{n}", when) for n, when in enumerate(whens)]
    await desk.apply(*several)
    for one in several:
        told = [at async for at in desk.server.times(one.name, *span)]
        assert told == list(meant(one.when, *span))


async def test_the_eight_runs_of_berlin(desk: Desk) -> None:
    """Asked of the server itself, lost and kept."""
    span = datetime(2026, 10, 24, 23, 59, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)
    plain = desk.schedule("plain", cron("*/15 * * * *", tz="Europe/Berlin"))
    kept = desk.schedule("kept", cron("*/15 * * * *", tz="Europe/Berlin", dst="once"))
    await desk.apply(plain, kept)
    lost = {at async for at in desk.server.times(plain.name, *span)}
    all_of_them = [at async for at in desk.server.times(kept.name, *span)]
    assert all_of_them == list(meant(plain.when, *span))
    assert len(set(all_of_them) - lost) == 8
    assert {b - a for a, b in pairwise(all_of_them)} == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("zone", "crons", "seconds"),
    [
        ("Europe/London", ("59 0 31 * 1#1", "30 */2 * * SUN"), None),
        ("Europe/Dublin", ("59 */2 31 * 6",), 1_800),
        ("Asia/Gaza", ("30 0 * * *",), 420),
        ("Africa/El_Aaiun", ("0,30 2 * * SUN", "59 */2 * * *"), None),
    ],
)
async def test_parts_of_one_schedule_disturb_each_other_at_clock_changes(
    desk: Desk, zone: str, crons: tuple[str, ...], seconds: int | None
) -> None:
    """The server goes on from where another part has fired, and may pass over a time for it."""
    span = datetime(2026, 11, 28, tzinfo=UTC), datetime(2028, 12, 1, tzinfo=UTC)
    every = timedelta(seconds=seconds) if seconds else None
    one = desk.schedule("both", cron(*crons, tz=zone, every=every))
    await desk.apply(one)
    spec = compile_when(one.when, NOW).spec
    for at in changes(zone, *span):
        around = at - timedelta(days=1, hours=3), at + timedelta(days=1, hours=3)
        told = [due async for due in desk.server.times(one.name, *around)]
        assert told == list(fires(spec, *around))


def changes(name: str, since: datetime, until: datetime) -> list[datetime]:
    found = zone_of(name).changes_between(int(since.timestamp()), int(until.timestamp()))
    return [datetime.fromtimestamp(at, UTC) for at in found]
