"""A policy as somebody wrote it in TOML, and what is wrong with it in words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from musterwerk.approvals.model import Calendar, Escalation, Level, Policy
from musterwerk.errors import UsageError

#: By pydantic's names of mistakes; in braces is the mistake's own context.
_WORDS = {
    "missing": "is missing",
    "string_type": "text is expected",
    "string_pattern_mismatch": "small letters, digits and _ are expected, such as reject",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "model_type": "a table is expected",
    "model_attributes_type": "a table is expected",
    "tuple_type": "a list is expected",
    "too_short": "at least {min_length} is expected",
    "greater_than": "more than {gt} is expected",
    "greater_than_equal": "{ge} or more is expected",
    "less_than_equal": "{le} or less is expected",
    "time_delta_parsing": 'a length of time is expected, such as "7 days" or "1d 12h"',
    "time_delta_type": 'a length of time is expected, such as "7 days" or "1d 12h"',
    "time_parsing": "a time of day is expected, such as 09:00:00",
    "time_type": "a time of day is expected, such as 09:00:00",
}


def read_policy(path: Path) -> Policy:
    """From the table [policy], or from the whole file. Raises `UsageError` with every mistake."""
    document = read_toml(path)
    prefix = ""
    if "policy" in document:
        if others := sorted(set(document) - {"policy"}):
            raise UsageError(f"{path}: {others[0]}: no such field beside [policy]")
        document, prefix = document["policy"], "policy."
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        lines = _mistakes(error, prefix)
        raise UsageError("\n".join(f"{path}: {line}" for line in lines)) from None


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is no text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: this is no TOML: {error}") from error


def _mistakes(error: ValidationError, prefix: str) -> list[str]:
    found: list[str] = []
    for one in error.errors(include_url=False):
        place = (prefix + ".".join(str(part) for part in one["loc"])).rstrip(".")
        said = _problem(cast("Mapping[str, Any]", one))
        found.append(f"{place}: {said}" if place else said)
    return found


def _problem(mistake: Mapping[str, Any]) -> str:
    if mistake["type"] == "extra_forbidden":
        return f"no such field; there are {', '.join(_fields(mistake['loc']))}"
    words = _WORDS.get(mistake["type"])
    if words is None:
        return str(mistake["msg"]).removeprefix("Value error, ")
    context: dict[str, Any] = mistake.get("ctx") or {}
    return words.format_map(context)


def _fields(place: Iterable[int | str]) -> list[str]:
    """Those of the table in which the field is not."""
    tables = [str(part) for part in place if isinstance(part, str)][:-1]
    kinds = {"levels": Level, "escalations": Escalation, "calendar": Calendar}
    kind = kinds.get(tables[-1], Policy) if tables else Policy
    return sorted(kind.model_fields)
