"""A policy in TOML: what is wrong with it is said by file and field, in words."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from musterwerk.approvals.policy_file import read_policy
from musterwerk.errors import UsageError

GOOD = """
approvers = ["group:finance"]
quorum = "60%"
expires_after = "10 days"
escalations = [{after = "1d 12h", to = ["mia"]}]
calendar = {region = "DE-BY", opens = 08:30:00}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "policy.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("head", ["", "[policy]\n"])
def test_a_policy_is_the_file_or_a_table_in_it(tmp_path: Path, head: str) -> None:
    policy = read_policy(write(tmp_path, head + GOOD))
    assert policy.quorum == "60%"
    assert policy.escalations[0].after == timedelta(days=1.5)
    assert policy.calendar is not None
    assert policy.calendar.opens == time(8, 30)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("approvers = [", "this is no TOML"),
        ("", "name either approvers, or levels that have theirs"),
        ('approvers = "anna"', "approvers: a list is expected"),
        ("approvers = [3]", "approvers.0: text is expected"),
        ('approvers = ["group:"]', "approvers.0: 'group:' names nobody"),
        ('approvers = ["a"]\nquorum = 0', "quorum: 0 is no quorum"),
        ('approver = ["a"]', "approver: no such field; there are allow_anonymous, approvers, "),
        ('approvers = ["a"]\nexpires_after = "soon"', "expires_after: a length of time"),
        ('approvers = ["a"]\nexpires_after = "0d"', "expires_after: more than"),
        ('approvers = ["a"]\non_expiry = "Reject!"', "on_expiry: small letters"),
        ('approvers = ["a"]\nfour_eyes = "perhaps"', "four_eyes: true or false is expected"),
        (
            'approvers = ["a"]\nescalations = [{after = "-1", to = ["b"]}]',
            "escalations.0.after: a length of time is expected",
        ),
        ('approvers = ["a"]\nescalations = [{to = []}]', "escalations.0.after: is missing"),
        ('[[levels]]\nname = "x"', "levels.0.approvers: is missing"),
        (
            '[[levels]]\napprovers = ["a"]\nescalations = [{aftr = "1d"}]',
            "levels.0.escalations.0.aftr: no such field; there are after, quorum, to",
        ),
        (
            'approvers = ["a"]\ncalendar = {region = "DE", open = 09:00:00}',
            "calendar.open: no such field; there are closes, opens, region, weekdays, zone",
        ),
        (
            'approvers = ["a"]\ncalendar = {region = "DE", opens = "nine"}',
            "calendar.opens: a time of day is expected",
        ),
        ('[policy]\napprovers = ["group:"]', "policy.approvers.0: 'group:' names nobody"),
        ('more = 1\n[policy]\napprovers = ["a"]', "more: no such field beside [policy]"),
        ("policy = 3", "policy: a table is expected"),
    ],
)
def test_a_mistake_is_said_in_words(tmp_path: Path, text: str, says: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(UsageError) as wrong:
        read_policy(file)
    assert f"{file}: {says}" in str(wrong.value)
    assert not any(raw in str(wrong.value) for raw in ("pydantic", "Input should", "Value error"))


def test_every_mistake_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as wrong:
        read_policy(write(tmp_path, 'approvers = [3]\nfour_eyes = "perhaps"'))
    assert len(str(wrong.value).splitlines()) == 2


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_policy(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        read_policy(tmp_path / "binary.toml")
