"""What others wrote, made fit for a mail: short, inert, and in the reader's zone and language."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, cast
from zoneinfo import ZoneInfo

from musterwerk.notify import Language

MAX_LINES = 40
_MAX_LINE = 300
_MAX_DEPTH = 8
_YES: dict[Language, tuple[str, str]] = {"en": ("yes", "no"), "de": ("ja", "nein")}
_CUT: dict[Language, str] = {
    "en": "... (cut after {count} lines: look at the request for the rest)",
    "de": "... (nach {count} Zeilen gekürzt: der Rest steht in der Anfrage)",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GERMAN_ZONES = {"CET": "MEZ", "CEST": "MESZ"}


def moment(at: datetime, zone: str, language: Language) -> str:
    """ "24 Nov 2026, 14:00 CET" or "24.11.2026, 14:00 MEZ"."""
    local = at.astimezone(_zone(zone))
    name = local.tzname() or "UTC"
    if name[0] in "+-":  # many zones have no abbreviation
        name = f"UTC{name}"
    if language == "de":
        return f"{local:%d.%m.%Y, %H:%M} {_GERMAN_ZONES.get(name, name)}"
    return f"{local.day} {_MONTHS[local.month - 1]} {local:%Y, %H:%M} {name}"


def details(given: Any, language: Language) -> tuple[str, ...]:
    """Any JSON as indented lines; none for None."""
    return () if given is None else _first(_lines(given, language, 0), language)


def prose(text: str, language: Language) -> tuple[str, ...]:
    """What somebody wrote, line by line."""
    return _first((_short(line) for line in _text_lines(text)), language)


def one_line(text: str) -> str:
    return _short(" ".join(_text_lines(text)))


def escaped(text: str) -> str:
    """For HTML, as content or inside quotes."""
    return html.escape(text, quote=True)


def _zone(name: str) -> ZoneInfo | Any:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # it was known to whoever wrote it down
        return UTC


def _first(lines: Iterator[str], language: Language) -> tuple[str, ...]:
    found = tuple(islice(lines, MAX_LINES + 1))
    if len(found) <= MAX_LINES:
        return found
    return (*found[:MAX_LINES], _CUT[language].format(count=MAX_LINES))


def _lines(given: Any, language: Language, depth: int) -> Iterator[str]:
    """The value alone, on lines of its own."""
    indent = "  " * depth
    if _is_nested(given) and depth >= _MAX_DEPTH:
        yield f"{indent}..."
    elif isinstance(given, Mapping):
        for key, value in cast("Mapping[str, Any]", given).items():
            yield from _labelled(f"{indent}{one_line(str(key))}:", value, language, depth)
    elif isinstance(given, Sequence) and not isinstance(given, str):
        for value in cast("Sequence[Any]", given):
            item = _lines(value, language, depth + 1)
            yield f"{indent}- {next(item, '').lstrip()}".rstrip()
            yield from item
    else:
        yield from (indent + _short(line) for line in _text_lines(_plain(given, language)))


def _labelled(label: str, value: Any, language: Language, depth: int) -> Iterator[str]:
    """After its label, or below it where it takes several lines."""
    if not _is_nested(value):
        parts = list(islice(_text_lines(_plain(value, language)), MAX_LINES + 1))
        if len(parts) <= 1:
            yield f"{label} {_short(''.join(parts))}".rstrip()
            return
    yield label
    yield from _lines(value, language, depth + 1)


def _is_nested(value: Any) -> bool:
    """Whether there is something in it."""
    return bool(value) and isinstance(value, Mapping | list | tuple)


def _plain(value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return _YES[language][not value]
    if value is None or value in ([], {}, ()):
        return "-"
    return str(value)


def _text_lines(text: str) -> Iterator[str]:
    """Without what moves the cursor or turns the direction of writing round."""
    for line in text.splitlines():
        yield "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in line)


def _short(line: str) -> str:
    return line if len(line) <= _MAX_LINE else line[: _MAX_LINE - 3] + "..."
