"""Child processes that are watched while they start, stopped in order and never left behind.

Each child gets a session of its own, so that Ctrl-C in a terminal reaches us and not the child:
we decide when it stops. A reaper (`reaper.py`) ends the children if we are killed outright.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from musterwerk.errors import ServerError
from musterwerk.runtime.reaping import Reaper

_TAIL_LINES = 15
_TAIL_BYTES = 16_384
_reaper = Reaper()


@dataclass(frozen=True)
class Command:
    """What to run. `stop_by` is how it is asked to end: end of its stdin, or SIGTERM."""

    name: str
    args: Sequence[str | Path]
    log: Path
    env: Mapping[str, str] | None = None
    pass_fds: Sequence[int] = ()
    stop_by: Literal["stdin", "sigterm"] = "sigterm"
    grace: float = 10.0


class ProcessDied(ServerError):
    """A child ended that should have stayed; the message carries the end of its log."""

    def __init__(self, process: ManagedProcess) -> None:
        self.process = process
        tail = "\n".join(f"  {line}" for line in process.log_tail())
        super().__init__(
            f"{process.name} ended unexpectedly ({_ending(process.returncode)}); "
            f"its log {process.command.log} ends with:\n{tail or '  (nothing)'}"
        )


class ManagedProcess:
    """One running child. `start` returns at once; `ready` waits until it is of use."""

    def __init__(self, command: Command, popen: subprocess.Popen[bytes], log_start: int) -> None:
        self.command = command
        self._log_start = log_start
        self._popen = popen
        self._stdin: IO[bytes] | None = popen.stdin
        self._guard = threading.Lock()
        self._exit: Future[int] = Future()
        # A running future cannot be cancelled: a cancelled wait leaves the watching thread alone.
        self._exit.set_running_or_notify_cancel()
        threading.Thread(target=self._watch, name=f"watch {command.name}", daemon=True).start()

    @classmethod
    def start(cls, command: Command) -> ManagedProcess:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with _reaper.starting() as register, command.log.open("ab") as log:
            log_start = log.tell()
            popen = subprocess.Popen(  # noqa: S603 - the arguments are our own, no shell
                [str(arg) for arg in command.args],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=command.env,
                pass_fds=command.pass_fds,
                start_new_session=True,
            )
            register(popen.pid)
        return cls(command, popen, log_start)

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return not self._exit.done()

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        return self._exit.result() if self._exit.done() else None

    async def wait(self) -> int:
        return await asyncio.wrap_future(self._exit)

    async def ready(
        self,
        check: Callable[[], Awaitable[bool]],
        *,
        patience: float = 30.0,
        every: float = 0.03,
    ) -> None:
        """Ask `check` until it is true. Raises `ProcessDied` as soon as the child ends before."""
        death = asyncio.create_task(self.wait())
        polling = asyncio.create_task(_until(check, every))
        try:
            # A check may hang, for instance when somebody else has taken the port it asks.
            await asyncio.wait(
                (death, polling), timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            if polling.done() and self.running:
                return await polling
        finally:
            death.cancel()
            polling.cancel()
        if not self.running:
            raise ProcessDied(self)
        raise ServerError(
            f"{self.name} did not become ready within {patience:g} s; "
            f"see its log {self.command.log}"
        )

    async def stop(self) -> int:
        """Ask it to end, insist after the grace period; at once if the waiting is cancelled."""
        if self.command.stop_by == "stdin":
            self._close_stdin()
        else:
            self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.command.grace):
                return await self.wait()
        except TimeoutError:
            self.kill()
            return await self.wait()
        except asyncio.CancelledError:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL to the child and all that it started."""
        self._signal(signal.SIGKILL, group=True)

    def send_signal(self, number: signal.Signals) -> None:
        self._signal(number)

    def log_tail(self, lines: int = _TAIL_LINES) -> list[str]:
        """The last lines that this process wrote; an earlier one's do not count."""
        try:
            with self.command.log.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, end - _TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-lines:]

    def _signal(self, number: signal.Signals, *, group: bool = False) -> None:
        # The guard keeps the watching thread from freeing the pid under our hands.
        with self._guard, contextlib.suppress(ProcessLookupError):
            if self._popen.returncode is None:
                (os.killpg if group else os.kill)(self.pid, number)

    def _watch(self) -> None:
        if hasattr(os, "waitid"):
            # Without reaping: the pid stays ours until its group has been cleared away.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            with self._guard:
                self._clear_group()
                code = self._popen.wait()
        else:  # macOS before Python 3.13
            code = self._popen.wait()
            self._clear_group()
        self._close_stdin()
        _reaper.ended(self.pid)
        self._exit.set_result(code)

    def _clear_group(self) -> None:
        """End what the child started and left behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _close_stdin(self) -> None:
        with self._guard:
            stdin, self._stdin = self._stdin, None
        if stdin is not None:
            stdin.close()


@dataclass
class ProcessGroup:
    """Children that belong together: stopped in reverse order of their start."""

    members: list[ManagedProcess] = field(default_factory=list[ManagedProcess])

    async def __aenter__(self) -> ProcessGroup:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self, command: Command) -> ManagedProcess:
        return self.add(ManagedProcess.start(command))

    def add(self, process: ManagedProcess) -> ManagedProcess:
        self.members.append(process)
        return process

    async def first_death(self) -> ManagedProcess:
        return await first_death(self.members)

    async def stop(self) -> None:
        try:
            for member in reversed(self.members):
                await member.stop()
        finally:
            # Reached with running members only when the stopping itself was cancelled.
            for member in self.members:
                member.kill()


async def first_death(processes: Sequence[ManagedProcess]) -> ManagedProcess:
    """Wait until any of them ends, and say which. Of none, wait for ever."""
    if not processes:
        await asyncio.Event().wait()
    waits = {asyncio.create_task(process.wait()): process for process in processes}
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return waits[done.pop()]


async def _until(check: Callable[[], Awaitable[bool]], every: float) -> None:
    while True:
        if await check():
            return
        await asyncio.sleep(every)


def _ending(code: int | None) -> str:
    if code is None:
        return "still ending"
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
