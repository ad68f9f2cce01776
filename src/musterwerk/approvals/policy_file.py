"""A policy as somebody wrote it in TOML, and what is wrong with it in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from musterwerk.approvals.policy import Calendar, Escalation, Level, Policy
from musterwerk.documents import problem, read_toml
from musterwerk.errors import UsageError

#: What is said otherwise of a TOML file's tables and names.
_OURS = {
    "string_pattern_mismatch": "small letters, digits and _ are expected, such as reject",
    "model_type": "a table is expected",
    "model_attributes_type": "a table is expected",
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
    return _OURS.get(mistake["type"]) or problem(mistake)


def _fields(place: Iterable[int | str]) -> list[str]:
    """Those of the table in which the field is not."""
    tables = [str(part) for part in place if isinstance(part, str)][:-1]
    kinds = {"levels": Level, "escalations": Escalation, "calendar": Calendar}
    kind = kinds.get(tables[-1], Policy) if tables else Policy
    return sorted(kind.model_fields)
