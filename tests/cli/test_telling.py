"""What an entry says is printed, whatever it is made of."""

from musterwerk.cli.telling import said


def test_what_people_said_comes_first() -> None:
    data = {"act_id": "a-1", "level": 2, "reason": "too dear", "outcome": "rejected"}
    assert said(data) == "rejected; too dear; level 2"


def test_lists_models_and_lines() -> None:
    assert said({"to": ["anna", "ben"]}) == "to anna, ben"
    assert said({"answer": {"clear": True}}) == '{"clear": true}'
    assert said({"text": "one\n\ntwo"}) == "one two"


def test_long_values_are_cut_and_nothing_is_nothing() -> None:
    assert said({"text": "x" * 300}) == "x" * 200 + "..."
    assert said({}) == ""
