"""What lint finds without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from musterwerk.schedules import Schedule, When
from musterwerk.schedules.lint import Finding, lint

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def of(name: str = "report", **when: Any) -> Schedule:
    return Schedule(name, "Report", task_queue="reports", when=When(**when))


def rules(**when: Any) -> dict[str, Finding]:
    return {one.rule: one for one in lint([of(**when)], NOW)}


@pytest.mark.parametrize("cron", ["0 6 31 * *", "0 6 1,31 * *", "0 6 30 * *", "0 6 29,30,31 * *"])
def test_days_that_some_months_lack(cron: str) -> None:
    assert list(rules(cron=cron)) == ["short_months"]


@pytest.mark.parametrize("cron", ["0 6 * * *", "0 6 */2 * *", "0 6 L * *", "0 6 29 2 *"])
def test_days_that_are_whichever_there_are(cron: str) -> None:
    assert rules(cron=cron) == {}


def test_what_is_over() -> None:
    assert list(rules(at=(NOW - timedelta(days=1),))) == ["never"]


def test_lost_in_spring_and_doubled_in_autumn() -> None:
    found = rules(cron="30 2 * * *", time_zone="Europe/Berlin")
    assert set(found) == {"lost", "doubled"}
    assert rules(cron="30 2 * * *", time_zone="Europe/Berlin", dst="once") == {}
    assert rules(cron="30 2 * * *", time_zone="Asia/Kathmandu") == {}


def test_a_crowd_is_told_by_how_much_to_move_whom() -> None:
    several = [of(f"r{number:02}", cron="0 6 * * *") for number in range(65)]
    (found,) = lint(several, NOW)
    assert found.rule == "crowd"
    assert "r30 by 1m, r31 by 1m, r32 by 1m and 32 more" in found.message
    assert (found.offsets["r59"], found.offsets["r60"], len(found.offsets)) == ("1m", "2m", 35)
    minutes = {name: int(by.removesuffix("m")) for name, by in found.offsets.items()}
    moved = [of(one.name, cron=f"{minutes.get(one.name, 0)} 6 * * *") for one in several]
    assert lint(moved, NOW) == []
    assert lint(several[:30], NOW) == []
