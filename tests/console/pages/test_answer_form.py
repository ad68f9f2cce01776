"""What is typed into the form of a typed answer: read as its schema has it, or refused in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from starlette.datastructures import FormData

from musterwerk.approvals.answers import flaws
from musterwerk.approvals.model import schema_of
from musterwerk.console.pages.answer_form import FIELD, answer_of, fields_of


@pytest.mark.parametrize("typed", ["nan", "NaN", "inf", "-Infinity", "1e999"])
@pytest.mark.parametrize("schema", [{"type": "number"}, {"type": "array"}])
def test_what_json_cannot_say_is_no_number(schema: dict[str, Any], typed: str) -> None:
    """A schema would take it for a number, and the decision be refused for another reason."""
    assert answer_of(schema, FormData([(FIELD, typed)])) == typed
    assert answer_of({"type": "array"}, FormData([(FIELD, f"[{typed}]")])) == f"[{typed}]"


def test_json_that_is_too_deep_stays_text() -> None:
    """It would be an error of ours."""
    typed = "[" * 200_000
    assert answer_of({"type": "array"}, FormData([(FIELD, typed)])) == typed


@pytest.mark.parametrize("named", [[1], "x", None, {"A": 7}])
def test_a_reference_that_leads_nowhere_is_typed_as_json(named: Any) -> None:
    schema = {"type": "object", "properties": {"b": {"$ref": "#/$defs/A"}}, "$defs": named}
    (found,) = fields_of(schema)
    assert (found.name, found.kind) == ("b", "json")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1500", 1500.0),
        ("1,5", 1.5),
        ("1.5", 1.5),
        ("0,125", 0.125),
        ("12,5000", 12.5),
        # Thousands to some, a fraction to others: nobody is told what they did not mean.
        ("1,500", "1,500"),
        ("1.500", "1.500"),
        ("1.500,00", "1.500,00"),
    ],
)
def test_a_number_is_never_another_one(typed: str, read: Any) -> None:
    assert answer_of({"type": "number"}, FormData([(FIELD, typed)])) == read


def test_a_time_is_that_of_whoever_typed_it() -> None:
    """Without a zone it was taken, and then failed the workflow that had asked."""
    schema = {"type": "string", "format": "date-time"}
    typed = FormData([(FIELD, "2026-11-28T10:00")])
    assert answer_of(schema, typed, "Europe/Berlin") == "2026-11-28T10:00:00+01:00"
    assert answer_of(schema, FormData([(FIELD, "soon")])) == "soon"


@pytest.mark.parametrize("typed", ["1_500", "\uff11.500", "01.500", "\u0663.5"])
def test_what_python_alone_takes_for_a_number_is_none(typed: str) -> None:
    for schema in ({"type": "number"}, {"type": "integer"}, {"type": ["number", "null"]}):
        assert answer_of(schema, FormData([(FIELD, typed)])) == typed


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1500,00", "1500.00"),
        ("0.10", "0.10"),
        ("1.500", "1.500 (thousands? write it without a separator)"),
        ("abc", "abc"),
    ],
)
def test_a_decimal_keeps_its_digits_and_is_never_another_one(typed: str, read: str) -> None:
    assert answer_of(schema_of(Decimal), FormData([(FIELD, typed)])) == read


@pytest.mark.parametrize("typed", ["abc", "NaN", "1.500,00", "12 EUR", "1.500 (thousands?"])
def test_text_that_is_no_decimal_does_not_count(typed: str) -> None:
    """It was approved, and then failed the workflow that had asked."""
    assert flaws(typed, schema_of(Decimal))
    assert not flaws("1500.00", schema_of(Decimal))


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"type": ["string", "null"]}, {"type": "integer"}]},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": ["string"]}]}}},
        {"type": ["string", "null"]},
        {"type": ["integer", "string"]},
        {},
    ],
)
def test_any_schema_has_a_form(schema: dict[str, Any]) -> None:
    """Nobody could decide it from its own page."""
    assert fields_of(schema)
