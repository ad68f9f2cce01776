"""What differs between two declarations, in words. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, cast

from pydantic import BaseModel

from musterwerk.schedules.model import Schedule
from musterwerk.wire import in_words


def differences(before: Schedule, after: Schedule) -> tuple[str, ...]:
    """Such as "cron: 0 6 * * * -> 0 7 * * *"."""
    return tuple(_differing(flat(before), flat(after)))


def changed_by_hand(expected: dict[str, Any], found: dict[str, Any]) -> tuple[str, ...]:
    """Between what was put there and what is there, both as `protos.comparable` tells it."""
    return tuple(
        f"{name} was changed by hand" + ("" if name == "when" else f": now {shown(found[name])}")
        for name in expected
        if expected[name] != found[name]
    )


def flat(schedule: Schedule) -> dict[str, Any]:
    """As in TOML: the fields of `when` beside the others."""
    found = dict(schedule)
    found.pop("renamed_from")
    return {**dict(found.pop("when")), **found}


def shown(value: Any) -> str:
    """On one line, as people read it."""
    if value is None or value in ("", (), [], {}, timedelta(0)):
        return "nothing"
    if isinstance(value, timedelta):
        whole = not value % timedelta(seconds=1)
        return in_words(value) if whole else f"{value.total_seconds()} seconds"
    if isinstance(value, date):  # or a moment
        return value.isoformat()
    if isinstance(value, BaseModel):
        return shown({name: getattr(value, name) for name in value.model_fields_set})
    if isinstance(value, Mapping):
        given = cast("Mapping[str, Any]", value)
        return ", ".join(f"{name} {shown(one)}" for name, one in given.items())
    if isinstance(value, list | tuple):
        return ", ".join(shown(one) for one in cast("list[object]", value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _differing(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name in after:
        if before[name] != after[name]:
            yield f"{name}: {shown(before[name])} -> {shown(after[name])}"
