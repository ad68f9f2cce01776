"""A typed answer as a form: from its JSON schema to fields, and from what was typed to JSON.

What has a field of its own: text, numbers, yes or no, dates, one of several, and flat objects of
these. Anything else is typed as JSON. Whether an answer is right is judged by the schema, where
everybody's answers are (`approvals/answers.py`); here it only gets its types.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData

FIELD = "answer."
Kind = Literal[
    "text",
    "long",
    "decimal",
    "number",
    "integer",
    "boolean",
    "date",
    "datetime-local",
    "choice",
    "json",
]
#: What is a number to everybody, and what is another one to some: a separator before exactly three
#: digits.
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")
_AMBIGUOUS = re.compile(r"[+-]?0*[1-9][0-9]{0,2}[.,][0-9]{3}")
#: Longer texts get several lines.
_LONG = 200


@dataclass(frozen=True)
class Field:
    """`name` is "" for an answer that is no object."""

    name: str
    label: str
    kind: Kind
    required: bool
    help: str = ""
    choices: tuple[Any, ...] = ()
    minimum: Any = None
    maximum: Any = None


def fields_of(schema: Mapping[str, Any] | None) -> tuple[Field, ...]:
    if schema is None:
        return ()
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping):
        return (_field("", schema, schema, True),)
    required = cast("list[str]", schema.get("required", []))
    return tuple(
        _field(name, part, schema, name in required)
        for name, part in cast("Mapping[str, Any]", properties).items()
    )


def answer_of(schema: Mapping[str, Any] | None, given: FormData, zone: str = "UTC") -> Any:
    """What was typed, times in `zone`, as the schema has it; what cannot be read that way stays as
    it was typed, and is refused with the reason. Fields that are empty and not required are left
    out."""
    fields = fields_of(schema)
    if len(fields) == 1 and fields[0].name == "":
        return _value(fields[0], given.get(FIELD), zone)
    found = {one.name: _value(one, given.get(FIELD + one.name), zone) for one in fields}
    wanted = {one.name for one in fields if one.required}
    return {name: value for name, value in found.items() if value is not None or name in wanted}


def _field(name: str, part: Any, whole: Mapping[str, Any], required: bool) -> Field:
    found = _resolved(part, whole)
    return Field(
        name=name,
        label=str(found.get("title") or name.replace("_", " ")),
        kind=_kind(found),
        required=required,
        help=str(found.get("description", "")),
        choices=tuple(found.get("enum", ())),
        minimum=found.get("minimum"),
        maximum=found.get("maximum"),
    )


def _resolved(part: Any, whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Behind a reference into the same document, and without the null of what may be left out."""
    if not isinstance(part, Mapping):
        return {}
    found = cast("Mapping[str, Any]", part)
    reference = found.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        target = _named(reference.removeprefix("#/$defs/"), whole.get("$defs"))
        if isinstance(target, Mapping) and "$ref" not in target:
            return {**cast("Mapping[str, Any]", target), **found}
    options = _options(found)
    return {**_resolved(options[0], whole), **found} if len(options) == 1 else found


def _named(name: str, shelf: object) -> object:
    return cast("Mapping[str, Any]", shelf).get(name) if isinstance(shelf, Mapping) else None


def _options(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those of `anyOf` that are something."""
    given = cast("list[object]", found.get("anyOf", []))
    real = [cast("Mapping[str, Any]", one) for one in given if isinstance(one, Mapping)]
    return [one for one in real if one.get("type") != "null"]


def _kind(found: Mapping[str, Any]) -> Kind:
    if "enum" in found:
        return "choice"
    if sorted(str(one.get("type")) for one in _options(found)) == ["number", "string"]:
        return "decimal"  # as a number it would lose its digits
    formats: dict[str, Kind] = {"date": "date", "date-time": "datetime-local"}
    match _type(found):
        case "string":
            if (form := found.get("format")) in formats:
                return formats[form]
            return "text" if found.get("maxLength", _LONG + 1) <= _LONG else "long"
        case "number":
            return "number"
        case "integer":
            return "integer"
        case "boolean":
            return "boolean"
        case _:
            return "json"


def _type(found: Mapping[str, Any]) -> Any:
    """Without the null of what may be left out."""
    given = found.get("type")
    if not isinstance(given, list):
        return given
    real = [one for one in cast("list[Any]", given) if one != "null"]
    return real[0] if len(real) == 1 else None


def _value(one: Field, typed: Any, zone: str) -> Any:
    text = typed.strip() if isinstance(typed, str) else ""
    if one.kind == "boolean":
        return {"yes": True, "no": False}.get(text)
    if text == "":
        return "" if one.required and one.kind in ("text", "long") else None
    if one.kind == "choice":
        return next((choice for choice in one.choices if str(choice) == text), text)
    if one.kind == "integer":
        return _read(int, text) if text.isascii() and "_" not in text else text
    if one.kind == "number":
        return _read(_decimal, text)
    if one.kind == "decimal":
        return _exact(text)
    if one.kind == "datetime-local":
        return _read(lambda given: _moment(given, zone), text)
    return _read(_json, text) if one.kind == "json" else text


def _moment(text: str, zone: str) -> str:
    """Browsers send it without a zone: it is that of whoever typed it."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).isoformat()


def _read(how: Callable[[str], Any], text: str) -> Any:
    try:
        return how(text)
    except (ValueError, RecursionError):
        return text


def _json(text: str) -> Any:
    return json.loads(text, parse_float=_number, parse_constant=_number)


def _exact(text: str) -> str:
    """With a point, all digits kept. What cannot be told gets words that keep it from counting."""
    if _AMBIGUOUS.fullmatch(text):
        return f"{text} (thousands? write it without a separator)"
    return text.replace(",", ".") if _NUMBER.fullmatch(text) else text


def _decimal(text: str) -> float:
    """Point or comma. 1,500 and 1.500 are other numbers to other people: whoever means neither
    thousands nor thousandths writes so that it can be told, or is asked to."""
    if _AMBIGUOUS.fullmatch(text) or not _NUMBER.fullmatch(text):
        raise ValueError(f"{text} is none, or may mean two numbers")
    return _number(text.replace(",", "."))


def _number(text: str) -> float:
    """JSON knows no NaN and no infinity."""
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(f"{text} is no number of JSON")
    return found
