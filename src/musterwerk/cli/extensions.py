"""Commands and parts of `dev` that other packages contribute by entry point."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from importlib.metadata import entry_points
from typing import Any

COMMANDS = "musterwerk.commands"
DEV = "musterwerk.dev"


def load(group: str, *, without: Collection[str] = ()) -> list[tuple[str, Callable[..., Any]]]:
    """Everything contributed to a group, by name. What cannot be loaded gets a warning line."""
    loaded: list[tuple[str, Callable[..., Any]]] = []
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        if point.name in without:
            continue
        try:
            loaded.append((point.name, point.load()))
        except Exception as error:
            sys.stderr.write(
                f"musterwerk: warning: {point.name} ({point.value}) is left out, it cannot be "
                f"loaded: {type(error).__name__}: {error}\n"
            )
    return loaded
