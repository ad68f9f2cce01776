"""Whether one value can stand for another, also where `==` does not tell."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import fields, is_dataclass
from decimal import Decimal
from types import MethodType
from typing import Any, cast


def is_model(kind: type) -> bool:
    """Whether it is Pydantic's, of which this module must not need to know."""
    return hasattr(kind, "model_fields") and hasattr(kind, "model_validate")


def shape(value: Any) -> Any:
    """Equal for what can stand for each other: NaN is NaN here, and True is not 1."""
    kind = cast("type[Any]", type(value))
    if isinstance(value, float | Decimal):
        return kind, repr(value)
    if isinstance(value, dict):
        pairs = cast("dict[Any, Any]", value).items()
        return kind, tuple((shape(key), shape(one)) for key, one in pairs)
    if isinstance(value, list | tuple):
        return kind, tuple(shape(one) for one in cast("Sequence[Any]", value))
    if isinstance(value, set | frozenset):
        return kind, frozenset(shape(one) for one in cast("Set[Any]", value))
    if isinstance(value, MethodType):
        return kind, shape(value.__self__), value.__func__
    if isinstance(value, type):
        return kind, value
    if is_model(kind):
        extra, private = value.__pydantic_extra__, value.__pydantic_private__
        told = frozenset(value.model_fields_set)
        return kind, shape(vars(value)), shape(extra), shape(private), told
    if is_dataclass(value):
        return kind, tuple(shape(getattr(value, one.name)) for one in fields(value))
    return kind, value
