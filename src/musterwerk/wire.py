"""What all approval types share: frozen, strict about typos, and plain JSON on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Self, cast

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import to_jsonable_python

_YEARS = (1970, 9000)
_DEPTH = 50
_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
#: Months and years have no fixed length, and are no words here.
_PART = re.compile(
    r"\s*(\d+)\s*(weeks?|w|days?|d|hours?|h|minutes?|min|m|seconds?|sec|s)(?![a-z])\s*",
    re.IGNORECASE,
)


class Wire(BaseModel):
    """An unknown field is a mistake, except in what another version of Musterwerk sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Raises pydantic's `ValidationError`; what is more than we know is left out."""
        return cls.model_validate(given, extra="ignore")


def _words(given: object) -> object:
    """ "7 days", "1d 12h" or "90m"; anything else is pydantic's to judge (ISO 8601, seconds)."""
    if isinstance(given, bool):
        raise ValueError('a length of time is expected, such as "7 days" or "1d 12h"')
    if not isinstance(given, str) or not given.strip():
        return given
    if ":" in given:
        raise ValueError(f"{given!r} is a time of day; write a length of time as 2d, 36h or PT36H")
    parts = list(_PART.finditer(given))
    if "".join(part.group(0) for part in parts) != given:
        return given
    try:
        return timedelta(seconds=sum(int(p[1]) * _UNITS[p[2][0].lower()] for p in parts))
    except (OverflowError, ValueError):  # the latter of thousands of digits
        raise ValueError(f"{given[:40]!r} is too long") from None


def in_words(length: timedelta) -> str:
    """As `Duration` takes it again: "1 day 12 hours"."""
    left, found = int(length.total_seconds()), list[str]()
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number, left = divmod(left, size)
        if number:
            found.append(f"{number} {unit}" + ("s" if number != 1 else ""))
    return " ".join(found) or "0 seconds"


#: A length of time; in TOML and JSON also in words, such as "7 days" or "1d 12h".
Duration = Annotated[timedelta, BeforeValidator(_words)]


def _usual(moment: datetime) -> datetime:
    """Others' clocks may say anything; near the ends of the calendar no zone can be applied."""
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise ValueError(f"the year {moment.year} is not between {_YEARS[0]} and {_YEARS[1]}")
    return moment


def plain(given: object) -> Any:
    """As JSON that every part of the way can carry; raises `ValueError` with the reason.

    Temporal, the database and Python's own parser stop at some hundred levels; NaN and halves of
    surrogate pairs are no JSON.
    """
    found = to_jsonable_python(given)
    if _is_deeper(found, _DEPTH):
        raise ValueError(f"more than {_DEPTH} lists or objects are within each other")
    try:
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise ValueError(f"this is no JSON that can be sent: {error}") from None
    return found


def _is_deeper(given: object, levels: int) -> bool:
    values: list[object] = [given]
    for _ in range(levels + 1):
        values = [
            one
            for value in values
            if isinstance(value, dict | list)
            for one in (
                cast("dict[str, object]", value).values()
                if isinstance(value, dict)
                else cast("list[object]", value)
            )
        ]
        if not values:
            return False
    return True


#: An aware time.
Moment = Annotated[AwareDatetime, AfterValidator(_usual)]

#: Anything that becomes JSON.
Json = Annotated[Any, BeforeValidator(plain)]
