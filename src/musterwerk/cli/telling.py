"""What was said or decided, on one line: for stories of requests and lines of the audit trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

#: What people say comes first. Ids and whole policies are for `-o json`.
_FIRST = ("outcome", "verdict", "text", "message", "reason", "answer")
_LEFT_OUT = ("act_id", "policy")
_LONGEST = 200


def said(data: Mapping[str, Any]) -> str:
    """The data of an entry in words; long values are cut and end in "..."."""
    first = [name for name in _FIRST if name in data]
    others = [name for name in data if name not in _FIRST and name not in _LEFT_OUT]
    told = [_value(data[name]) for name in first]
    told += [f"{name.replace('_', ' ')} {_value(data[name])}" for name in others]
    return "; ".join(told)


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))  # pyright: ignore[reportUnknownArgumentType]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
