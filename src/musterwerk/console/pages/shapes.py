"""How a request's data is laid out: whether a list is a table, and which columns it has. Pure."""

from __future__ import annotations

from typing import Any, cast

_MOST_COLUMNS = 8


def columns(rows: list[dict[str, Any]]) -> list[str]:
    """Of all rows, in the order in which they first come: nobody hides a price behind the first."""
    return list(dict.fromkeys(key for row in rows for key in row))


def is_table(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    rows = cast("list[Any]", value)
    if not all(isinstance(row, dict) for row in rows):
        return False
    return len(columns(cast("list[dict[str, Any]]", rows))) <= _MOST_COLUMNS
