"""What commands print: tables for people, JSON for machines, messages and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

_UNLIMITED = 10_000
_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


class Format(StrEnum):
    table = "table"
    json = "json"


OutputOption = Annotated[
    Format, typer.Option("-o", "--output", help="json prints data for machines on stdout.")
]


class Advance(Protocol):
    """Tell how far it is; `total` where it was not known before."""

    def __call__(self, done: int, total: int | None = None) -> None: ...


class Output:
    """Prints a command's result in the chosen format, and nothing but that on stdout."""

    def __init__(self, format: Format = Format.table) -> None:
        self.format = format
        # Into a pipe, a table is as wide as it is; on a terminal it folds.
        self._out = Console(
            file=sys.stdout,
            highlight=False,
            markup=False,
            width=None if sys.stdout.isatty() else _UNLIMITED,
        )
        self._messages = Console(file=sys.stderr, highlight=False, markup=False, soft_wrap=True)

    @property
    def machine(self) -> bool:
        """Whether JSON was asked for."""
        return self.format is Format.json

    def json(self, data: Any) -> None:
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(plain(cell) for cell in row))
        self._out.print(table)

    def text(self, line: str | Text = "") -> None:
        """A line of the result, for people."""
        self._out.print(plain(line))

    def say(self, message: str) -> None:
        """A message about the result; never part of it."""
        self._messages.print(plain(message))

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Generator[Advance]:
        """A bar on a terminal; nothing anywhere else."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        hidden = not sys.stderr.isatty()
        with Progress(*columns, console=self._messages, transient=True, disable=hidden) as bar:
            task = bar.add_task(label, total=total)

            def advance(done: int, total: int | None = None) -> None:
                bar.update(task, completed=done, total=total)

            yield advance

    @contextmanager
    def counting(self, label: str, total: int) -> Generator[Callable[..., None]]:
        """The same for what is told one by one; whatever is said with it is not shown."""
        seen = 0
        with self.progress(label, total) as advance:

            def one(*_: object) -> None:
                nonlocal seen
                seen += 1
                advance(seen)

            yield one


def plain(text: str | Text) -> Text:
    """Without control characters: what others wrote must not steer the reader's terminal."""
    if isinstance(text, Text):
        return text
    return Text("".join(c if c.isprintable() or c in "\n\t" else _UNPRINTABLE for c in text))
