"""`musterwerk approvals simulate`, as it is typed."""

from __future__ import annotations

from pathlib import Path

from tests.cli.support import musterwerk

POLICY = """
approvers = ["group:finance"]
calendar = "DE-BY"
remind_every = "2d"
expires_after = "3d"
"""
PEOPLE = """
[people.anna]
groups = ["finance"]

[[absences]]
person = "anna"
from = 2026-12-20
until = 2027-01-06
substitute = "max"

[people.max]
"""


def test_the_plan_is_printed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    done = musterwerk(
        *("approvals", "simulate", "policy.toml", "--from", "2026-12-23T15:00"), home=tmp_path
    )
    assert (done.code, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["WHEN", "WHAT", "LEVEL", "WHO"],
        ["Wed", "2026-12-23", "15:00", "CET", "asked", "1", "group:finance"],
        ["Mon", "2026-12-28", "15:00", "CET", "reminded", "1", "group:finance"],
        [
            "Tue",
            "2026-12-29",
            "15:00",
            "CET",
            "ends:",
            "expired",
            "(reject)",
            "1",
            "requester,",
            "group:finance",
        ],
    ]


def test_json_with_people_and_a_view_that_ends_earlier(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "people.toml").write_text(PEOPLE)
    done = musterwerk(
        *("approvals", "simulate", "policy.toml", "--from", "2026-12-23T15:00", "--days", "2"),
        *("--people", "people.toml", "-o", "json"),
        home=tmp_path,
    )
    assert done.data == {
        "from": "2026-12-23T15:00:00+01:00",
        "until": "2026-12-25T15:00:00+01:00",
        "state": "open",
        "outcome": None,
        "expires_at": "2026-12-29T15:00:00+01:00",
        "events": [
            {
                "at": "2026-12-23T15:00:00+01:00",
                "event": "asked",
                "level": 1,
                "outcome": None,
                "who": [
                    {"name": "anna", "stands_in_for": []},
                    {"name": "max", "stands_in_for": ["anna"]},
                ],
            }
        ],
    }


def test_a_mistake_is_said_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY.replace("2d", "now and then"))
    (tmp_path / "good.toml").write_text(POLICY)
    (tmp_path / "people.toml").write_text('[people.anna]\nnam = "Anna"')
    for given, says in [
        (["policy.toml"], "policy.toml: remind_every: a length of time is expected"),
        (["good.toml", "--people", "people.toml"], "people.toml: people.anna.nam: no such field"),
        (["good.toml", "--from", "tomorrow"], "--from: 'tomorrow' is no time"),
        (["good.toml", "--approve-after", "soon"], "--approve-after: 'soon' is no length of time"),
    ]:
        done = musterwerk("approvals", "simulate", *given, home=tmp_path)
        assert (done.code, done.stdout) == (2, "")
        assert says in done.stderr
