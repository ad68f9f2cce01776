"""What all approval types share: frozen, strict about typos, and plain JSON on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"\s*(\d+)\s*(w|d|h|m|s)[a-z]*\s*", re.IGNORECASE)


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
    if not isinstance(given, str) or not given.strip():
        return given
    parts = list(_PART.finditer(given))
    if "".join(part.group(0) for part in parts) != given:
        return given
    return timedelta(seconds=sum(int(p[1]) * _UNITS[p[2].lower()] for p in parts))


#: A length of time; in TOML and JSON also in words, such as "7 days" or "1d 12h".
Duration = Annotated[timedelta, BeforeValidator(_words)]

#: An aware time.
Moment = AwareDatetime
