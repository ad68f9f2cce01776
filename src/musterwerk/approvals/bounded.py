"""A JSON schema validator that gives up in time, whatever somebody's schema makes it do.

Patterns such as ^(a+)+$ and references that double at each step can take longer than anybody
lives. Each keyword looks at the clock first, and patterns run in an engine that can be stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]

#: Comparing each with each; the library has no other way for objects.
_MOST_UNIQUE = 1000

_end: ContextVar[float] = ContextVar("_end")

Check = Callable[[Any, Any, Any, Any], Any]


class TooSlow(Exception):
    """The time is over."""


@contextmanager
def seconds_of_work(seconds: float) -> Generator[None]:
    """Of this thread on the processor: a busy machine makes no answer wrong."""
    token = _end.set(time.thread_time() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def _left() -> float:
    left = _end.get() - time.thread_time()
    if left <= 0:
        raise TooSlow
    return left


def _matches(pattern: str, text: str) -> bool:
    try:
        return regex.search(pattern, text, timeout=_left()) is not None
    except TimeoutError:
        raise TooSlow from None


def _pattern(validator: Any, pattern: str, given: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(given, "string") and not _matches(pattern, given):
        yield ValidationError(f"{given!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], given: Any, schema: Any
) -> Iterator[ValidationError]:
    if validator.is_type(given, "object"):
        for pattern, part in patterns.items():
            for name in [name for name in given if _matches(pattern, name)]:
                yield from validator.descend(given[name], part, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, allowed: Any, given: Any, schema: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(given, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    others = [name for name in given if name not in named]
    for name in others:
        if any(_matches(pattern, name) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError(f"{name!r} is not among what may be there")
        else:
            yield from validator.descend(given[name], allowed, path=name)


def _unique_items(
    validator: Any, wanted: bool, given: Any, schema: Any
) -> Iterator[ValidationError]:
    if wanted and validator.is_type(given, "array") and len(given) > _MOST_UNIQUE:
        yield ValidationError(f"more than {_MOST_UNIQUE} cannot be compared with each other")
        return
    yield from Draft202012Validator.VALIDATORS["uniqueItems"](validator, wanted, given, schema)


def _in_time(check: Check) -> Check:
    def timed(validator: Any, value: Any, given: Any, schema: Any) -> Any:
        _left()
        return check(validator, value, given, schema)

    return timed


_OURS: dict[str, Check] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
}

_ALL = {**Draft202012Validator.VALIDATORS, **_OURS}

BoundedValidator = cast(
    "Any", extend(Draft202012Validator, {name: _in_time(check) for name, check in _ALL.items()})
)
