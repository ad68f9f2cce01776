"""Which keys, and which requests are the same."""

from __future__ import annotations

import dataclasses
import enum
import types
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from musterwerk.errors import UsageError
from musterwerk.saga.effects.content import business_key, fingerprint
from musterwerk.saga.keys import StepKey

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "key", ["", " ", "a b", "k ", "käse", "a\nb", "\0", "\x7f", "x" * 256], ids=repr
)
def test_a_key_that_some_database_or_header_would_change_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="cannot be the key of an effect"):
        business_key(key)


@pytest.mark.parametrize("key", ["x", "x" * 255, "order-17:charge", "order-17:undo", "~!"])
def test_any_other_key_is_taken_as_it_is(key: str) -> None:
    assert business_key(key, "do") == business_key(key, "undo") == key


def test_only_text_that_is_a_whole_step_key_is_read_as_one() -> None:
    step = StepKey("charge-" + "0a" * 20, "undo")
    assert business_key(str(step), "undo") == step.business_key
    assert business_key("x:" + step, "do") == "x:" + step


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(request: dict[str, Any]) -> None:
    assert fingerprint(dict(reversed(request.items()))) == fingerprint(request)


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass(frozen=True)
class Line:
    sku: str
    price: Decimal


class Model(BaseModel):
    sku: str
    price: Decimal


NOON = datetime(2026, 10, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (Decimal("12.50"), "12.50"),
        (NOON, NOON.astimezone(timezone(timedelta(hours=2)))),
        (date(2026, 10, 25), "2026-10-25"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Color.RED, "red"),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (Line("A", Decimal("1.10")), {"price": "1.10", "sku": "A"}),
        (Model(sku="A", price=Decimal("1.10")), {"price": "1.10", "sku": "A"}),
        ((1, 2), [1, 2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_request_may_hold_beyond_json(one: object, same: object) -> None:
    assert fingerprint({"x": [one]}) == fingerprint({"x": [same]})


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "1"), (None, "null"), ("a", "A"), (0, False), ([], {}), ("é", "e\u0301"), (1, 1.0)],
)
def test_what_looks_alike_is_not_the_same(one: object, other: object) -> None:
    assert fingerprint({"x": one}) != fingerprint({"x": other})


@pytest.mark.parametrize(
    "value",
    [
        float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"),
        NOON.replace(tzinfo=None), {1, 2}, b"x", object(), Line, Model, {(1, 2): 3},
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_has_no_fixed_form_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="this request has no fingerprint"):
        fingerprint({"x": value})


def test_a_request_that_contains_itself_is_refused() -> None:
    request: dict[str, Any] = {}
    request["x"] = request
    with pytest.raises(UsageError, match="no fingerprint"):
        fingerprint(request)


def test_the_fingerprint_stays_the_same_from_release_to_release() -> None:
    """Otherwise an upgrade would refuse every repeat of what was done before it."""
    request = {"b": [1, 2.5, None, True], "a": Decimal("12.50"), "ü": NOON}
    assert fingerprint(request) == (
        "ca53c6f1f577aec14b39f9573622045440a1cfabebdc9b2ba120a6b59723e1a4"
    )
