"""Our account of the server's rules against the server itself, which is right where they differ."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from benchmarks.schedules_bench.asking import asked, server_version
from temporalio.client import Client

from musterwerk.schedules import Calendar, When, at, cron, every, on
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.meaning import meant
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.native import NativeInterval, NativeSpec, to_proto
from musterwerk.schedules.server_rules import CHECKED_AGAINST, fires
from musterwerk.schedules.zones import zone

NOW = datetime(2026, 11, 28, tzinfo=UTC)
TWO_DAYS = timedelta(days=2)
ZONES = [
    "Europe/Berlin",
    "Europe/London",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Antarctica/Troll",
]
TIMES = [
    cron("*/15 * * * *"),
    cron("30 2 * * *"),
    cron("15 0,1 * * *"),
    cron("0 */2 * * 0,1"),
    on(Calendar(hour="1-3", minute="*/30", second="0,59")),
]


async def differ(
    client: Client, spec: NativeSpec, spans: list[tuple[datetime, datetime]]
) -> list[datetime]:
    async with asked(client, spec) as server:
        assert await server.described() == spec
        found = set[datetime]()
        for span in spans:
            found |= set(await server.times(*span)) ^ set(fires(spec, *span))
        return sorted(found)


def around_changes(name: str, first: int, last: int) -> list[tuple[datetime, datetime]]:
    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (first, last))
    changes = zone(name).changes_between(start, end) or [start]
    moments = [datetime.fromtimestamp(one, UTC) for one in changes]
    return [(one - TWO_DAYS, one + TWO_DAYS) for one in moments]


async def test_the_server_is_the_one_it_was_checked_against(client: Client) -> None:
    assert f"Temporal Server {await server_version(client)}" == CHECKED_AGAINST


@pytest.mark.parametrize("name", ZONES)
async def test_clock_changes(client: Client, name: str) -> None:
    for when in TIMES:
        spec = compile_when(when.model_copy(update={"time_zone": name}), NOW).spec
        assert await differ(client, spec, around_changes(name, 2026, 2029)) == []


@pytest.mark.parametrize(
    ("name", "year"),
    [
        # In the first and the last one the server gets stuck: it says the same for ever.
        ("Pacific/Apia", 2011),
        ("Australia/Lord_Howe", 2008),
        ("Antarctica/Troll", 2012),
        ("Asia/Pyongyang", 2015),
        ("America/Caracas", 2016),
    ],
)
async def test_odd_changes_of_the_past(client: Client, name: str, year: int) -> None:
    for when in TIMES:
        spec = compile_when(when.model_copy(update={"time_zone": name}), NOW).spec
        assert await differ(client, spec, around_changes(name, year, year + 1)) == []


@pytest.mark.parametrize(
    "when",
    [
        every("90m", phase="7m", exclude=[date(2026, 12, 24)], time_zone="Europe/Berlin"),
        cron("0 9 * * *", tz="Europe/Berlin", business_days="DE-BY"),
        cron("0 6 L,15W * 5#2", tz="America/New_York"),
        cron(
            "*/5 * * * *",
            start=datetime(2026, 12, 1, 0, 5, tzinfo=UTC),
            end=datetime(2026, 12, 2, tzinfo=UTC),
        ),
    ],
    ids=["every", "business days", "L W #", "start and end"],
)
async def test_other_specs(client: Client, when: When) -> None:
    spec = compile_when(when, NOW).spec
    assert await differ(client, spec, [(NOW, NOW + timedelta(days=200))]) == []


async def test_before_its_phase_the_server_leaves_an_interval_out(client: Client) -> None:
    """As Go divides: whoever tells it a one-shot by its phase, tells it nothing."""
    moment = int(datetime(2026, 12, 24, 18, tzinfo=UTC).timestamp())
    spec = NativeSpec(intervals=frozenset({NativeInterval(100 * 365 * 86_400, moment)}))
    span = NOW, NOW + timedelta(days=60)
    async with asked(client, spec) as server:
        assert await server.times(*span) == list(fires(spec, *span)) == []


#: The second is within the hour that comes twice, so that no calendar can name it alone.
MOMENTS = [datetime(2026, 12, 24, 18, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    "when",
    [
        at(*MOMENTS),
        at(*MOMENTS, time_zone="Europe/Berlin", exclude=[date(2027, 1, 6)]),
        at(MOMENTS[1] - timedelta(hours=1), MOMENTS[1], time_zone="Europe/Berlin"),
    ],
)
async def test_one_shots_happen(client: Client, when: When) -> None:
    spec = compile_when(when, NOW).spec
    async with asked(client, spec) as server:
        assert await server.described() == spec
        assert await server.times(NOW, NOW + timedelta(days=10_000)) == sorted(when.at)


@pytest.mark.parametrize(
    "when",
    [
        at(MOMENTS[0], datetime(2100, 12, 31, tzinfo=UTC)),
        cron("0 0 1 1 *", at=[datetime(2001, 3, 4, 5, 6, tzinfo=UTC)]),
    ],
)
async def test_one_shots_never_come_again(client: Client, when: When) -> None:
    """An interval as long as the time since 1970 would, in 2083 or already in 2032."""
    span = NOW, datetime(2100, 12, 31, 12, tzinfo=UTC)
    async with asked(client, compile_when(when, NOW).spec) as server:
        assert await server.times(*span) == list(meant(when, *span))


@pytest.mark.parametrize(
    "moment",
    [datetime(1999, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)],
)
def test_a_one_shot_that_the_server_cannot_tell(moment: datetime) -> None:
    with pytest.raises(ScheduleMistake, match=r"at: .* whole seconds, from 2001 to 2100"):
        compile_when(at(moment), NOW)


@pytest.mark.parametrize("name", ZONES)
async def test_once_is_once_on_the_server_too(client: Client, name: str) -> None:
    for text in ("*/15 * * * *", "30 2 * * *", "15,45 0-3 * * *"):
        when = cron(text, tz=name, dst="once")
        async with asked(client, compile_when(when, NOW).spec) as server:
            for span in around_changes(name, 2027, 2028):
                assert await server.times(*span) == list(meant(when, *span)), text


async def test_the_eight_runs_that_berlin_loses_are_run_with_once(client: Client) -> None:
    berlin = cron("*/15 * * * *", tz="Europe/Berlin")
    october = datetime(2026, 10, 1, tzinfo=UTC)
    span = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
    once = berlin.model_copy(update={"dst": "once"})
    async with asked(client, compile_when(berlin, october).spec) as server:
        assert len(set(meant(berlin, *span)) - set(await server.times(*span))) == 8
    async with asked(client, compile_when(once, october).spec) as server:
        assert await server.times(*span) == list(meant(once, *span))


def test_what_is_sent_is_small() -> None:
    """A clock change costs its own days, and no more."""
    found = to_proto(compile_when(cron("30 2 * * *", tz="Europe/Berlin", dst="once"), NOW).spec)
    assert len(found.SerializeToString()) < 2_500
