"""One field of cron or of a calendar as numbers: "*", "5", "1-5", "*/2", "MON,WED". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from musterwerk.schedules.dates import FIRST_YEAR, LAST_YEAR

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONG = re.compile(r"[a-z]{3,9}")


@dataclass(frozen=True)
class FieldKind:
    """`wraps` are numbers that mean another one: 7 is Sunday, as 0 is."""

    name: str
    lowest: int
    highest: int
    names: dict[str, int] = field(default_factory=dict[str, int])
    wraps: dict[int, int] = field(default_factory=dict[int, int])


SECOND = FieldKind("second", 0, 59)
MINUTE = FieldKind("minute", 0, 59)
HOUR = FieldKind("hour", 0, 23)
DAY = FieldKind("day of month", 1, 31)
MONTH = FieldKind("month", 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)})
WEEKDAY = FieldKind("day of week", 0, 7, {name: n for n, name in enumerate(_WEEKDAYS)}, {7: 0})
YEAR = FieldKind("year", FIRST_YEAR, LAST_YEAR)


def numbers(kind: FieldKind, text: str) -> frozenset[int]:
    """Raises `ValueError` that says what is wrong and what is expected."""
    found = [number for part in text.split(",") for number in _part(kind, part.strip())]
    return frozenset(kind.wraps.get(one, one) for one in found)


def _part(kind: FieldKind, text: str) -> Iterator[int]:
    span, slash, stepping = text.partition("/")
    step = 1
    if slash:
        if not _is_number(stepping) or int(stepping) == 0:
            raise ValueError(f"{kind.name} {text!r}: after / a number from 1 on is expected")
        step = int(stepping)
    if span in ("*", "?"):
        # Sunday once, and not as the 7 as well.
        return iter(range(kind.lowest, kind.highest + 1 - len(kind.wraps), step))
    first, dash, last = span.partition("-")
    low = number(kind, first)
    high = number(kind, last) if dash else kind.highest - len(kind.wraps) if slash else low
    if high < low:
        raise ValueError(
            f"{kind.name} {text!r} ends before it begins; write {low}-{kind.highest},"
            f"{kind.lowest}-{high} for a span over the end"
        )
    return iter(range(low, high + 1, step))


def _is_number(text: str) -> bool:
    """One that Python reads: of thousands of digits it reads none."""
    return text.isascii() and text.isdigit() and len(text) < 10


def number(kind: FieldKind, text: str) -> int:
    """A number or a name, such as 1 or JAN."""
    word = text.strip().lower()
    if _LONG.fullmatch(word) and word[:3] in kind.names:
        return kind.names[word[:3]]
    if not _is_number(word):
        names = f" or {next(iter(kind.names)).upper()} and so on" if kind.names else ""
        raise ValueError(
            f"{kind.name} {text!r} is none; a number from {kind.lowest} to {kind.highest}{names} "
            "is expected"
        )
    if not kind.lowest <= int(word) <= kind.highest:
        raise ValueError(f"{kind.name} {word} is not between {kind.lowest} and {kind.highest}")
    return int(word)
