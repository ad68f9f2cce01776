"""One schedule as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from musterwerk.cli.telling import when
from musterwerk.schedules.control import facts
from musterwerk.schedules.differences import flat, shown
from musterwerk.schedules.model import Schedule, When
from musterwerk.schedules.server import Described

_WIDTH = 22
#: These stand above already.
_SAID = ("name", "workflow", "task_queue", "owner", "note")


def lines(found: Described) -> Iterator[str]:
    row = facts(found)
    declared = row.pop("declared")
    for name, value in row.items():
        text = _text(name, value)
        if text:
            yield _line(name, text)
    if found.mark is None or declared is None:
        yield "It was changed by hand; its next `apply` puts it back as declared."
        return
    yield "declared"
    given = found.mark.declared
    usual = flat(Schedule("a", "a", task_queue="a", when=When()))
    for name, value in flat(given).items():
        if name not in _SAID and value != usual[name]:
            yield _line(f"  {name}", shown(value))


def _line(name: str, text: str) -> str:
    return f"{name.replace('_', ' '):<{_WIDTH}}{text}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "next":
        return ", ".join(map(when, value))
    return "" if value in (None, []) else shown(value) if value != "" else ""
