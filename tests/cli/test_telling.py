"""What an entry says is printed, whatever it is made of."""

from datetime import UTC, datetime, timedelta, timezone

from musterwerk.cli.telling import said, when, words


def test_what_people_said_comes_first() -> None:
    data = {"act_id": "a-1", "level": 2, "reason": "too dear", "outcome": "rejected"}
    assert said(data) == "rejected; too dear; level 2"


def test_what_is_empty_or_repeats_is_left_out() -> None:
    """An end would read "reject; withdrawn; by otto; state withdrawn", and "by"."""
    data = {"state": "withdrawn", "outcome": "reject", "by": ["otto"], "reason": "withdrawn"}
    assert said(data, "otto") == "reject; withdrawn"
    assert said(data | {"by": []}, "otto") == "reject; withdrawn"
    assert (
        said(data | {"reason": "too late"}, "anna") == "reject; too late; state withdrawn; by otto"
    )
    assert said({"reason": "mona", "to": "mona", "level": 0}) == "mona; to mona; level 0"


def test_lists_models_and_lines() -> None:
    assert said({"to": ["anna", "ben"]}) == "to anna, ben"
    assert said({"answer": {"clear": True}}) == '{"clear": true}'
    assert said({"text": "one\n\ntwo"}) == "one two"


def test_long_values_are_cut_and_nothing_is_nothing() -> None:
    assert said({"text": "x" * 300}) == "x" * 200 + "..."
    assert said({}) == ""


def test_lists_and_times_are_told_in_one_way() -> None:
    assert words(["anna", ["ben", 3]]) == "anna, ben, 3"
    assert words("x" * 300) == "x" * 300
    berlin = datetime(2026, 3, 1, 10, 30, 1, 120, tzinfo=timezone(timedelta(hours=1)))
    for one in (berlin, berlin.isoformat(), berlin.astimezone(UTC), "2026-03-01T09:30:01.000120Z"):
        assert when(one) == "2026-03-01 09:30:01 UTC"
