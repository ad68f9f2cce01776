"""The data folder and its lock: one server per folder, for as long as that server lives."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from pathlib import Path

from musterwerk.errors import ServerError, UsageError

_PATIENCE_WITH_ORPHANS = 12.0


class FolderLock:
    """An exclusive lock on DATA/lock.

    The lock belongs to the open file, not to the process: a child that inherits `fd` holds it as
    long as the child lives, even when its parent has gone.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / "lock"
        self.fd = -1

    async def acquire(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(
                f"{self.path.parent} cannot be a data folder: {error.strerror}"
            ) from error
        deadline = time.monotonic() + _PATIENCE_WITH_ORPHANS
        while not self._try():
            holders = self._holders()
            # Where the process that started the server is gone, the server is about to be ended.
            orphaned = bool(holders) and not alive(holders[0])
            if not orphaned or time.monotonic() > deadline:
                self.release()
                raise ServerError(_in_use(self.path.parent, holders))
            await asyncio.sleep(0.05)
        self.note(os.getpid())

    def note(self, *pids: int) -> None:
        """Write down who holds the lock, for the message that the next one gets."""
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, " ".join(map(str, pids)).encode(), 0)

    def release(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _try(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holders(self) -> list[int]:
        return [int(pid) for pid in os.pread(self.fd, 100, 0).split()]


def alive(pid: int) -> bool:
    """Whether a process with this number exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _in_use(folder: Path, holders: list[int]) -> str:
    who = f"process {holders[-1]}" if holders else "another process"
    if len(holders) > 1:
        who += f", started by process {holders[0]}"
    return (
        f"the data folder {folder} is in use ({who}). "
        "Stop that one first, or choose another folder with --data."
    )
