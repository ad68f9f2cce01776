"""Values as people read them: lists, times, and what was said or decided on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: What people say comes first. Ids and whole policies are for `-o json`.
_FIRST = ("outcome", "verdict", "text", "message", "reason", "answer")
_LEFT_OUT = ("act_id", "policy")
_LONGEST = 200


def said(data: Mapping[str, Any]) -> str:
    """The data of an entry in words; long values are cut and end in "..."."""
    first = [name for name in _FIRST if name in data]
    others = [name for name in data if name not in _FIRST and name not in _LEFT_OUT]
    told = [_short(data[name]) for name in first]
    told += [f"{name.replace('_', ' ')} {_short(data[name])}" for name in others]
    return "; ".join(told)


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
