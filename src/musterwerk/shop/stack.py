"""The whole order desk as processes: a catching mail server, five services and the workers.

Every listening socket is bound here and inherited, so no port is guessed and a service that
restarts keeps its address. Each process stops when its stdin ends, so none outlives this one.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import httpx

from musterwerk.runtime.connection import Target
from musterwerk.runtime.processes import Command, ManagedProcess, ProcessDied, ProcessGroup
from musterwerk.shop.gateway import ServiceUrls
from musterwerk.shop.names import TASK_QUEUE
from musterwerk.shop.release import ReleaseRules

_LOCALHOST = "127.0.0.1"
_PYTHON = (sys.executable, "-P", "-m")

#: Services with a database and injected faults, in the order of their start.
FAULTY = ("inventory", "payment", "shipping", "mail")
#: Those that have a part in a broken refund.
_REFUNDING = ("inventory", "payment", "shipping")


@dataclass(frozen=True)
class StackOptions:
    """`stock` is what the warehouse starts with when its database is new.

    The orders in `broken_refunds` are charged, not shipped, and not refunded until repaired.
    `release` says which orders need an approval; it is served by a worker of Musterwerk's own,
    which is not part of the stack.
    """

    data: Path
    server: Target
    stock: Mapping[str, int]
    seed: int = 0
    faults: float = 0.0
    broken_refunds: Sequence[str] = ()
    release: ReleaseRules = field(default_factory=ReleaseRules)
    workers: int = 2
    task_queue: str = TASK_QUEUE
    max_cached_workflows: int = 1000


class Stack:
    """Everything but Temporal itself, for as long as the `async with` block."""

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self._group = ProcessGroup()
        self._sockets: dict[str, socket.socket] = {}
        self._workers: list[ManagedProcess] = []
        self._workers_started = 0
        self._minders: list[asyncio.Task[None]] = []
        self._dead: asyncio.Future[ManagedProcess] = asyncio.get_running_loop().create_future()

    @property
    def urls(self) -> dict[str, str]:
        return {name: f"http://{_LOCALHOST}:{self._port(name)}" for name in (*FAULTY, "orders")}

    @property
    def services(self) -> ServiceUrls:
        return ServiceUrls(**self.urls)

    @property
    def processes(self) -> list[ManagedProcess]:
        return list(self._group.members)

    async def __aenter__(self) -> Self:
        self.options.data.mkdir(parents=True, exist_ok=True)
        for name in ("smtp", *FAULTY, "orders"):
            self._sockets[name] = _listening()
        try:
            await self._start_all()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def died(self) -> NoReturn:
        """Wait until a process ends that should not, and raise its ProcessDied."""
        raise ProcessDied(await asyncio.shield(self._dead))

    def start_worker(self) -> ManagedProcess:
        self._workers_started += 1
        worker = self._start(
            f"worker-{self._workers_started}",
            "musterwerk.shop.worker",
            "--urls",
            json.dumps(asdict(self.services)),
            "--max-cached-workflows",
            str(self.options.max_cached_workflows),
            *self._temporal(),
        )
        self._workers.append(worker)
        return worker

    async def kill_worker(self) -> None:
        """SIGKILL the oldest worker and start another in its place."""
        victim = self._workers.pop(0)
        self._group.members.remove(victim)
        victim.kill()
        await victim.wait()
        self.start_worker()

    async def stop_workers(self) -> None:
        """Let the workers finish what they hold: nobody calls a service from then on."""
        workers, self._workers = self._workers, []
        for worker in workers:
            self._group.members.remove(worker)
        await asyncio.gather(*(worker.stop() for worker in workers))

    async def _start_all(self) -> None:
        self._start("smtp", "musterwerk.shop.smtp", *self._data(), socket_name="smtp")
        for name in FAULTY:
            self._start_service(name)
        self._start(
            "orders",
            "musterwerk.shop.services.orders",
            *self._data(),
            "--inventory",
            self.urls["inventory"],
            "--release",
            self._listing("release", self.options.release.model_dump(mode="json")),
            *self._temporal(),
            socket_name="orders",
        )
        for _ in range(self.options.workers):
            self.start_worker()
        async with httpx.AsyncClient() as http:
            for process in self._group.members:
                url = self.urls.get(process.name)
                if url is not None:
                    await process.ready(lambda url=url: _healthy(http, url))

    def _start_service(self, name: str) -> None:
        extra: list[str | Path] = ["--seed", str(self.options.seed)]
        extra += ["--faults", str(self.options.faults)]
        if name == "inventory":
            extra += ["--stock", self._listing("stock", dict(self.options.stock))]
        if name in _REFUNDING and self.options.broken_refunds:
            listing = self._listing("broken-refunds", list(self.options.broken_refunds))
            extra += ["--broken-refunds", listing]
        if name == "mail":
            extra += ["--smtp", f"{_LOCALHOST}:{self._port('smtp')}"]
        self._start(
            name, f"musterwerk.shop.services.{name}", *self._data(), *extra, socket_name=name
        )

    def _listing(self, name: str, content: Any) -> Path:
        path = self.options.data / f"{name}.json"
        path.write_text(json.dumps(content), "utf-8")
        return path

    def _start(
        self, name: str, module: str, *args: str | Path, socket_name: str | None = None
    ) -> ManagedProcess:
        fds: list[int] = []
        if socket_name is not None:
            fds = [self._sockets[socket_name].fileno()]
            args = ("--fd", str(fds[0]), *args)
        process = self._group.start(
            Command(
                name=name,
                args=[*_PYTHON, module, *args],
                log=self.options.data / "logs" / f"{name}.log",
                pass_fds=fds,
                stop_by="stdin",
            )
        )
        self._minders.append(asyncio.create_task(self._mind(process)))
        return process

    async def _mind(self, process: ManagedProcess) -> None:
        await process.wait()
        # Who was stopped or killed on purpose is no longer a member.
        if process in self._group.members and not self._dead.done():
            self._dead.set_result(process)

    async def _stop(self) -> None:
        for minder in self._minders:
            minder.cancel()
        try:
            async with self._group:  # makes sure of all, whatever happens meanwhile
                await self.stop_workers()
                await asyncio.gather(*(process.stop() for process in self._group.members))
        finally:
            for sock in self._sockets.values():
                sock.close()

    def _data(self) -> tuple[str | Path, ...]:
        return ("--data", self.options.data)

    def _temporal(self) -> list[str]:
        server = self.options.server
        args = ["--task-queue", self.options.task_queue]
        if server.address:
            args += ["--address", server.address]
        if server.namespace:
            args += ["--namespace", server.namespace]
        return [*args, "--isolated"] if server.isolated else args

    def _port(self, name: str) -> int:
        return self._sockets[name].getsockname()[1]


def _listening() -> socket.socket:
    # Bound and listening before the child exists: who connects early waits instead of failing.
    sock = socket.create_server((_LOCALHOST, 0), backlog=512)
    sock.set_inheritable(True)
    return sock


async def _healthy(http: httpx.AsyncClient, url: str) -> bool:
    try:
        reply = await http.get(f"{url}/health", timeout=1)
    except httpx.TransportError:
        return False
    return reply.is_success
