"""What is wrong with a declared schedule: in which field, and what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from pydantic import ValidationError

from musterwerk.documents import mistakes, near
from musterwerk.errors import UsageError


class ScheduleMistake(UsageError):
    """`field` is that of `When` or `Schedule`, such as "cron"."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def told(error: ValidationError, known: Mapping[str, Collection[str]]) -> list[str]:
    """A line for each field, from TOML and from Python the same. `known` are the fields that there
    are at each place; "" is the outermost one."""
    errors = cast("list[dict[str, Any]]", error.errors(include_url=False, include_input=False))
    said: list[str] = []
    for one, mistake in zip(errors, mistakes(errors), strict=True):
        line = str(mistake)
        if one["type"] == "extra_forbidden":
            *place, name = (part for part in one["loc"] if isinstance(part, str))
            here = known.get(place[-1] if place else "", ())
            line += "; it is one of `when`" if name in known.get("when", ()) else near(name, here)
        said.append(line.removeprefix("when."))
    return said
