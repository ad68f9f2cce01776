"""Values as people read them: lists, times, and what was said or decided on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: What people say comes first. Ids and whole policies are for `-o json`.
_FIRST = ("outcome", "verdict", "text", "message", "reason", "answer")
_LEFT_OUT = ("act_id", "policy")
#: Left out where it only repeats what stands before it, or who did it.
_REPEATS = ("by", "state")
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_LONGEST = 200


def said(data: Mapping[str, Any], actor: str = "") -> str:
    """The data of an entry by `actor` in words; long values are cut and end in "..."."""
    told = {name: _short(data[name]) for name in _FIRST if data.get(name) not in _NOTHING}
    before = {actor, *told.values()}
    for name, value in data.items():
        if name in (*_FIRST, *_LEFT_OUT) or value in _NOTHING:
            continue
        text = _short(value)
        if name not in _REPEATS or text not in before:
            told[name] = f"{name.replace('_', ' ')} {text}"
    return "; ".join(told.values())


def words(value: Any) -> str:
    """On one line; lists without brackets, and what is nested deeper as JSON."""
    if isinstance(value, list | tuple):
        return ", ".join(map(words, value))  # pyright: ignore[reportUnknownArgumentType]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split())


def when(at: datetime | str) -> str:
    """As every command prints a time. Text is a time of ours as in JSON."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _short(value: Any) -> str:
    text = words(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
