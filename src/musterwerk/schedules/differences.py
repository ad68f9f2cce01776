"""What differs between two declarations, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from musterwerk.schedules.model import Schedule


def differences(before: Schedule, after: Schedule) -> tuple[str, ...]:
    """Such as "cron: 0 6 * * * -> 0 7 * * *"."""
    return tuple(_differing(_flat(before), _flat(after)))


def changed_by_hand(expected: dict[str, Any], found: dict[str, Any]) -> tuple[str, ...]:
    """Between what was put there and what is there, both as `protos.comparable` tells it."""
    return tuple(
        f"{name} was changed by hand" + ("" if name == "when" else f": now {found[name]}")
        for name in expected
        if expected[name] != found[name]
    )


def _differing(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name in after:
        if before[name] != after[name]:
            yield f"{name}: {_shown(before[name])} -> {_shown(after[name])}"


def _flat(schedule: Schedule) -> dict[str, Any]:
    """As in TOML: the fields of `when` beside the others."""
    found = schedule.as_json()
    found.pop("renamed_from")
    return {**found.pop("when"), **found}


def _shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "nothing"
    if isinstance(value, list):
        return ", ".join(str(one) for one in cast("list[object]", value))
    return str(value)
