"""Which lines of the workflow's own code ran."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any


@dataclass(frozen=True)
class Coverage:
    """`lines` of the workflow's class, of which `run` ran at least once; `unseen` are the others,
    such as "order.py:17"."""

    lines: int
    run: int
    unseen: Sequence[str]


class Lines:
    """Counts what runs in the methods of a class, and in functions inside of them."""

    def __init__(self, workflow: type) -> None:
        self._codes = set(_codes_of(workflow))
        self._seen: set[tuple[str, int]] = set()
        self._traced = False

    @contextmanager
    def traced(self) -> Generator[None]:
        """In this thread. A debugger or a measurement that is at work already is left alone."""
        if sys.gettrace() is not None:
            yield
            return
        self._traced = True
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)

    def coverage(self) -> Coverage | None:
        """None where nothing could be counted."""
        every = {
            (code.co_filename, line)
            for code in self._codes
            for _, _, line in code.co_lines()
            if line is not None and line > code.co_firstlineno
        }
        if not self._traced or not every:
            return None
        unseen = sorted(every - self._seen)
        named = [f"{Path(file).name}:{line}" for file, line in unseen]
        return Coverage(len(every), len(every) - len(unseen), named)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._line if frame.f_code in self._codes else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self._seen.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


def _codes_of(workflow: type) -> Iterator[CodeType]:
    for base in workflow.__mro__[:-1]:
        for member in vars(base).values():
            found = inspect.unwrap(getattr(member, "__func__", member))
            code = getattr(found, "__code__", None)
            # What a decorator has added is not the workflow's own.
            if isinstance(code, CodeType) and found.__module__ == base.__module__:
                yield from _with_inner(code)


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _with_inner(one)
