"""Whether an answer has the shape that was asked for. Schemas and answers are others' work.

Neither may hold up a worker: all of it together gets a second of the processor.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, time
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker, SchemaError
from jsonschema.exceptions import ValidationError
from referencing import Registry

from musterwerk.approvals.bounded import BoundedValidator, TooSlow, seconds_of_work

MAX_ANSWER = 100_000
MAX_FLAWS = 10
_MAX_LENGTH = 300
_SECONDS = 1.0

_FORMATS = FormatChecker()
#: Nothing is fetched from elsewhere, whatever a schema refers to.
_OFFLINE: Registry[Any] = Registry()


def flaws(answer: Any, schema: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong, each with its place; at most ten. A schema that is broken is a flaw, too."""
    try:
        size = len(json.dumps(answer))
    except (RecursionError, ValueError) as error:
        return (_short(f"the answer cannot be read: {error}"),)
    if size > MAX_ANSWER:
        return (f"the answer is {size} bytes of JSON, and at most {MAX_ANSWER} are taken",)
    try:
        _check(schema)
        validator = _validator(schema)
        with seconds_of_work(_SECONDS):
            found = list(islice(_errors(validator, answer), MAX_FLAWS))
    except TooSlow:
        return ("the answer cannot be judged: by its schema, that takes too long",)
    except Exception as error:
        # References that lead nowhere or in circles, patterns that are none: one type for each.
        return (_short(f"the answer cannot be judged, its schema is broken: {_said(error)}"),)
    return tuple(_told(error) for error in found)


def schema_flaw(schema: dict[str, Any]) -> str | None:
    """Why no answer can be judged by it, as far as can be seen without one."""
    try:
        _check(schema)
    except Exception as error:
        return _short(f"this is no JSON schema: {_said(error)}")
    return None


def _check(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    # The library would look for the patterns by itself, however long that takes.
    if '"unevaluatedProperties"' in text and '"patternProperties"' in text:
        raise ValueError("patternProperties cannot stand beside unevaluatedProperties")


def _validator(schema: dict[str, Any]) -> Any:
    return BoundedValidator(_undated(schema), registry=_OFFLINE, format_checker=_FORMATS)


def _undated(schema: Any) -> Any:
    """Without `$schema`: a part that names its version would be judged by another validator."""
    if isinstance(schema, dict):
        parts = cast("dict[str, Any]", schema)
        return {name: _undated(part) for name, part in parts.items() if name != "$schema"}
    if isinstance(schema, list):
        return [_undated(part) for part in cast("list[Any]", schema)]
    return schema


def _errors(validator: Any, answer: Any) -> Iterator[ValidationError]:
    """The library's own types for this are incomplete."""
    yield from validator.iter_errors(answer)


def _told(error: ValidationError) -> str:
    place = str(error.json_path).removeprefix("$").removeprefix(".")
    return _short(f"{place}: {error.message}" if place else str(error.message))


def _said(error: Exception) -> str:
    return error.message if isinstance(error, SchemaError) else str(error)


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
