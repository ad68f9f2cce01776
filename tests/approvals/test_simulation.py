"""A policy played in advance: the rules' own course, with calendar, people and absences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from musterwerk.approvals.policy import Policy
from musterwerk.approvals.simulation import Course, Setting, play
from musterwerk.errors import UsageError
from musterwerk.store.directory import read_directory

START = datetime(2026, 12, 23, 14, tzinfo=UTC)  # a Wednesday, 15:00 in Munich
PEOPLE = read_directory(
    {
        "people": {
            "anna": {"groups": ["finance"]},
            "ben": {"groups": ["finance"]},
            "dora": {"groups": ["finance"], "active": False},
            "max": {"groups": ["managers"]},
            "mia": {"groups": ["managers"]},
        },
        "absences": [
            {"person": "ben", "from": "2026-12-20", "until": "2027-01-06", "substitute": "max"},
            {"person": "mia", "from": "2026-12-20", "until": "2026-12-29"},
        ],
    }
)
LEVELS: dict[str, Any] = {
    "four_eyes": True,
    "calendar": "DE-BY",
    "expires_after": "10 days",
    "levels": [
        {
            "approvers": ["group:finance"],
            "quorum": 2,
            "remind_every": "2 days",
            "escalations": [{"after": "5 days", "to": ["mia"]}],
        },
        {"approvers": ["group:managers"]},
    ],
}


def played(policy: dict[str, Any], **given: Any) -> Course:
    return play(Setting(Policy.model_validate(policy), START, **given))


def lines(course: Course) -> list[str]:
    return [
        f"{one.at:%m-%d} {one.event} {one.level}: "
        + ", ".join("/".join((name, *absent)) for name, absent in one.who.items())
        for one in course.moments
    ]


def test_without_people_groups_are_shown_and_nobody_decides() -> None:
    course = played(LEVELS)
    assert lines(course) == [
        "12-23 asked 1: group:finance",
        "12-28 reminded 1: group:finance",
        "12-30 reminded 1: group:finance",
        "12-31 escalated 1: mia",
        "01-04 reminded 1: group:finance, mia",
        "01-07 reminded 1: group:finance, mia",
        "01-11 ended 1: requester, group:finance, mia",
    ]
    assert (course.state, course.outcome) == ("expired", "reject")


def test_absent_people_are_shown_with_who_stands_in() -> None:
    course = played(LEVELS, people=PEOPLE)
    assert lines(course)[0] == "12-23 asked 1: anna, ben, max/ben"
    assert lines(course)[-2] == "01-07 reminded 1: anna, ben, mia"


def test_levels_approve_one_after_the_other_by_who_is_there() -> None:
    course = played(LEVELS, people=PEOPLE, approve_after=timedelta(days=1), requester="eve")
    assert lines(course) == [
        "12-23 asked 1: anna, ben, max/ben",
        "12-24 decided 1: anna",
        "12-24 decided 1: max/ben",
        # max has decided, and mia is away: four eyes leave nobody to be asked now but her.
        "12-24 asked 2: mia",
        "01-11 ended 2: mia",
    ]
    assert course.state == "expired"


def test_who_was_away_approves_at_the_next_reminder() -> None:
    policy = {"approvers": ["mia"], "remind_every": "4d", "expires_after": "20d"}
    course = played(policy, people=PEOPLE, approve_after=timedelta(days=1), requester="anna")
    assert lines(course) == [
        "12-23 asked 1: mia",
        "12-27 reminded 1: mia",
        "12-31 reminded 1: mia",
        "12-31 decided 1: mia",
        "12-31 ended 1: anna",
    ]


def test_a_group_without_people_has_as_many_as_it_takes() -> None:
    course = played(LEVELS, approve_after=timedelta(hours=4))
    assert course.state == "approved"
    assert [one.event for one in course.moments].count("decided") == 3


def test_an_approval_at_the_moment_of_a_reminder_still_counts() -> None:
    policy = {"approvers": ["anna"], "remind_every": "1d"}
    course = played(policy, approve_after=timedelta(days=1))
    assert [one.event for one in course.moments] == ["asked", "reminded", "decided", "ended"]


def test_what_lies_behind_the_days_that_are_looked_at_is_left_out() -> None:
    course = played(LEVELS, length=timedelta(days=5))
    assert [one.event for one in course.moments] == ["asked", "reminded"]
    assert (course.state, course.outcome) == ("open", None)
    assert course.expires_at == datetime(2027, 1, 11, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("policy", "given", "says"),
    [
        ({"approvers": ["group:nobody"]}, {"people": PEOPLE}, "group:nobody has nobody in it"),
        ({"approvers": ["dora"]}, {"people": PEOPLE}, "nobody is known as 'dora'"),
        (
            {"approvers": ["anna"], "four_eyes": True},
            {"people": PEOPLE, "requester": "anna"},
            "four eyes",
        ),
        ({"approvers": ["anna"], "calendar": "DE-XX"}, {}, "DE has no part 'XX'"),
    ],
)
def test_what_would_be_refused_is_refused(
    policy: dict[str, Any], given: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match="would be refused") as refused:
        played(policy, **given)
    assert says in str(refused.value)
