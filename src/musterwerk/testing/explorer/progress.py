"""How far a long exploration is, where somebody looks on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

#: Told of each run: its number of faults, how many runs with so many there are, about.
Progress: TypeAlias = Callable[[int, int], None]


@contextmanager
def bar(process: str) -> Generator[Progress]:
    """A bar on the terminal, if there is one, and Rich is installed."""
    if not sys.stderr.isatty():
        yield _nobody
        return
    try:
        from rich.console import Console
        from rich.progress import Progress as Bar
    except ImportError:
        yield _nobody
        return
    with Bar(console=Console(stderr=True), transient=True) as shown:
        tasks: dict[int, object] = {}

        def tell(size: int, total: int) -> None:
            if size not in tasks:
                name = f"{process}, {size} {'fault' if size == 1 else 'faults'}"
                tasks[size] = shown.add_task(name, total=total)
            shown.advance(tasks[size])  # pyright: ignore[reportArgumentType]

        yield tell


def _nobody(size: int, total: int) -> None: ...
