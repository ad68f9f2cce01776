"""Whether an answer has the shape that was asked for. Schemas and answers are others' work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, time
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError
from jsonschema.exceptions import ValidationError
from referencing import Registry

MAX_ANSWER = 100_000
MAX_FLAWS = 10
_MAX_LENGTH = 300

_FORMATS = FormatChecker()
#: Nothing is fetched from elsewhere, whatever a schema refers to.
_OFFLINE: Registry[Any] = Registry()


def flaws(answer: Any, schema: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong, each with its place; at most ten. A schema that is broken is a flaw, too."""
    size = len(json.dumps(answer))
    if size > MAX_ANSWER:
        return (f"the answer is {size} bytes of JSON, and at most {MAX_ANSWER} are taken",)
    try:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, registry=_OFFLINE, format_checker=_FORMATS)
        found = list(islice(_errors(validator, answer), MAX_FLAWS))
    except SchemaError as error:
        return (_short(f"the answer cannot be judged, its schema is broken: {error.message}"),)
    except Exception as error:
        # References that lead nowhere or in circles, patterns that are none: one type for each.
        return (_short(f"the answer cannot be judged, its schema is broken: {error}"),)
    return tuple(_told(error) for error in found)


def _errors(validator: Any, answer: Any) -> Iterator[ValidationError]:
    """The library's own types for this are incomplete."""
    yield from validator.iter_errors(answer)


def _told(error: ValidationError) -> str:
    place = str(error.json_path).removeprefix("$").removeprefix(".")
    return _short(f"{place}: {error.message}" if place else str(error.message))


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _MAX_LENGTH else plain[: _MAX_LENGTH - 1] + "…"


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(given: object) -> bool:
    if isinstance(given, str):
        datetime.fromisoformat(given)
    return True


@_FORMATS.checks("time", raises=ValueError)
def _is_time(given: object) -> bool:
    if isinstance(given, str):
        time.fromisoformat(given)
    return True
