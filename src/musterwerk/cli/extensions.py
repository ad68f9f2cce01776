"""Commands and parts of `dev` that other packages contribute by entry point."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Any

_COMMANDS = "musterwerk.commands"
_DEV = "musterwerk.dev"


def add_commands(app: object) -> None:
    """Let every contributor register its commands with the app."""
    for point in _points(_COMMANDS):
        with _warning_if_broken(point):
            point.load()(app)


def dev_parts(*, without: Collection[str] = ()) -> list[Callable[..., Any]]:
    parts: list[Callable[..., Any]] = []
    for point in _points(_DEV):
        if point.name not in without:
            with _warning_if_broken(point):
                parts.append(point.load())
    return parts


def _points(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda point: point.name)


@contextmanager
def _warning_if_broken(point: EntryPoint) -> Generator[None]:
    """One broken package costs its own commands and a line on stderr, not everybody's."""
    try:
        yield
    except (Exception, SystemExit) as error:
        sys.stderr.write(
            f"musterwerk: warning: {point.name} ({point.value}) is left out, it cannot be "
            f"loaded: {type(error).__name__}: {error}\n"
        )
