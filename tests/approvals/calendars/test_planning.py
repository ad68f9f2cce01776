"""When people are reminded, when it escalates and expires, and policies no clock can follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from musterwerk.approvals.acts import Planning, Timeline
from musterwerk.approvals.calendars.planning import MAX_REMINDERS, flaws, timeline
from musterwerk.approvals.policy import Policy
from musterwerk.errors import UsageError

START = datetime(2026, 7, 3, 14, tzinfo=UTC)  # a Friday, 16:00 in Berlin


def policy(**given: Any) -> Policy:
    return Policy.model_validate({"approvers": ["anna"], **given})


def plan(policy: Policy, since: datetime = START, level: int = 0) -> Timeline:
    return timeline(Planning(policy=policy, level=level, started=START, since=since))


def days(*numbers: float) -> tuple[datetime, ...]:
    return tuple(START + timedelta(days=number) for number in numbers)


def test_nothing_happens_at_the_moment_of_expiry_or_later() -> None:
    found = plan(policy(remind_every="1d", expires_after="3d"))
    assert found.reminders == days(1, 2)
    assert (found.expires_at,) == days(3)


def test_a_later_level_counts_from_its_own_beginning_but_expires_with_the_request() -> None:
    levels = [
        {"approvers": ["anna"]},
        {
            "approvers": ["ben"],
            "remind_every": "2d",
            "escalations": [{"after": "6d", "to": ["eve"]}, {"after": "3d", "to": ["dan"]}],
        },
    ]
    two = Policy.model_validate({"levels": levels, "expires_after": "10d"})
    found = plan(two, since=START + timedelta(days=4), level=1)
    assert found.reminders == days(6, 8)
    # The second one would be at the moment of expiry.
    assert found.escalations == days(7)
    assert (found.expires_at,) == days(10)


def test_with_a_calendar_all_durations_are_working_time() -> None:
    found = plan(
        policy(
            calendar="DE-BY",
            remind_every="4h",
            escalations=[{"after": "1d", "to": ["eve"]}],
            expires_after="2d",
        )
    )
    monday, tuesday = (datetime(2026, 7, day, tzinfo=UTC) for day in (6, 7))
    # 1 hour on Friday and 3 on Monday; then until the closing; and so on.
    hours = [monday.replace(hour=10), monday.replace(hour=14), tuesday.replace(hour=10)]
    hours[1] = monday.replace(hour=14)
    assert found.reminders == tuple(hours)
    assert found.escalations == (monday.replace(hour=14),)
    assert found.expires_at == tuesday.replace(hour=14)


def test_reminds_at_most_so_often() -> None:
    often = policy(remind_every="1m", expires_after="30d")
    assert len(plan(often).reminders) == MAX_REMINDERS
    assert flaws(often) == [
        "remind_every 0:01:00 would remind 43199 times until the request expires after "
        "30 days, 0:00:00, and at most 500 are possible; remind less often"
    ]
    assert flaws(policy(remind_every="1h", expires_after=timedelta(hours=501))) == []
    assert flaws(policy(remind_every="1h", expires_after=timedelta(hours=501, seconds=1)))


def test_escalations_keep_their_order_where_office_hours_turn_it_round() -> None:
    turned = policy(
        calendar="DE",
        expires_after="10d",
        escalations=[{"after": "20h", "to": ["eve"]}, {"after": "1d", "to": ["dan"]}],
    )
    first, second = plan(turned).escalations
    assert first == second == datetime(2026, 7, 8, 10, tzinfo=UTC)
    assert "write whole days" in flaws(turned)[0]


def test_an_escalation_that_office_hours_put_behind_the_expiry_is_a_flaw() -> None:
    late = policy(calendar="DE", expires_after="1d", escalations=[{"after": "20h", "to": ["eve"]}])
    assert plan(late).escalations == ()
    assert "never happens" in flaws(late)[0]


@pytest.mark.parametrize(
    ("calendar", "says"),
    [
        ("XX", "the holidays of 'XX' are not known"),
        ("Bavaria", "there is no region 'Bavaria'"),
        ("DE-XX", "DE has no part 'XX'; those whose holidays are known: BB, BE, BW, BY"),
        ("US-CA", "US has 29 time zones, so name the one that is meant, such as US-CA@"),
        ("DE@Europe/Munich", "there is no time zone 'Europe/Munich'; an IANA name such as Europe/"),
        ("DE@../etc/passwd", "there is no time zone"),
    ],
)
def test_says_what_is_wrong_with_a_calendar(calendar: str, says: str) -> None:
    (flaw,) = flaws(policy(calendar=calendar))
    assert flaw.startswith("calendar: ")
    assert says in flaw
    with pytest.raises(UsageError, match=r"expected|known|name"):
        plan(policy(calendar=calendar))


@pytest.mark.parametrize("calendar", ["DE", "DE-BY", "US-CA@America/Los_Angeles", None])
def test_an_ordinary_policy_has_no_flaw(calendar: str | None) -> None:
    assert flaws(policy(calendar=calendar, remind_every="1d")) == []
