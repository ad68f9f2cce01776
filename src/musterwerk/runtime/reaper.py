"""Ends our child processes when we cannot: a helper that outlives a SIGKILL of its parent.

The parent holds the only write end of this program's stdin and writes `+PID` when it starts a
process and `-PID` when that one has ended. However the parent ends, the pipe closes; what is still
registered then is terminated, group by group.

Run as a file with `python -I -S`, so it loads the standard library and nothing of ours.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 5.0


def registered(lines: Iterable[str]) -> list[int]:
    """Read registrations until the pipe closes; returns the groups left, last started first."""
    groups: dict[int, None] = {}
    for line in lines:
        pid = int(line[1:])
        if line.startswith("+"):
            groups[pid] = None
        else:
            groups.pop(pid, None)
    return list(reversed(groups))


def terminate(groups: list[int], grace: float = GRACE_SECONDS) -> None:
    """SIGTERM to all, SIGKILL to what is still there after the grace period."""
    left = [group for group in groups if _signal(group, signal.SIGTERM)]
    deadline = time.monotonic() + grace
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [group for group in left if _signal(group, 0)]
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def main() -> None:
    # Only the end of the parent ends this program; a signal meant for all must not come first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    terminate(registered(sys.stdin))


if __name__ == "__main__":
    main()
