"""Our end of the reaper: starts it with the first child, and lets it go after the last."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from musterwerk.runtime import reaper


class Reaper:
    """Registers children with the helper process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._helper: subprocess.Popen[str] | None = None
        self._children: set[int] = set()

    @contextmanager
    def starting(self) -> Generator[Callable[[int], None]]:
        """Have the helper ready before the child exists; call the given function with its pid."""
        with self._lock:
            if self._helper is None:
                self._helper = _launch()
            try:
                yield self._register
            finally:
                self._retire_if_idle()

    def ended(self, pid: int) -> None:
        with self._lock:
            self._children.discard(pid)
            self._tell(f"-{pid}\n")
            self._retire_if_idle()

    def _register(self, pid: int) -> None:
        self._children.add(pid)
        self._tell(f"+{pid}\n")

    def _tell(self, line: str) -> None:
        try:
            _write(self._helper, line)
        except BrokenPipeError:
            # Somebody killed the helper. A new one has to know of every child.
            self._helper = _launch()
            _write(self._helper, "".join(f"+{child}\n" for child in sorted(self._children)))

    def _retire_if_idle(self) -> None:
        if self._helper is None or self._children:
            return
        helper, self._helper = self._helper, None
        helper.communicate()


def _launch() -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own file, run by our own interpreter
        [sys.executable, "-I", "-S", reaper.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _write(helper: subprocess.Popen[str] | None, line: str) -> None:
    if helper is not None and helper.stdin is not None:
        helper.stdin.write(line)
        helper.stdin.flush()
