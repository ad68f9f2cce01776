"""Serving the application on a socket until it is cancelled; running answers are finished."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from musterwerk.errors import UsageError

#: Seconds that running requests get at the end.
GRACE = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the command's: they cancel `serve`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def listen(host: str, port: int, *, or_any: bool = False) -> socket.socket:
    """Raises `UsageError` where the address cannot be had; `or_any` takes another port then."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except (OSError, OverflowError) as error:
        if or_any:
            return listen(host, 0)
        raise UsageError(
            f"cannot listen on {host} port {port}: {error}; choose others with --host and --port"
        ) from error


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    ready: Callable[[], object],
    *,
    leaving: Callable[[], object] = lambda: None,
    proxies: Sequence[str] = (),
) -> None:
    """`leaving` is called when it is cancelled: streams that never end by themselves end then.
    `proxies` are believed when they say from whom and by which scheme a request came."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),  # uvicorn's default believes every process of this machine
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        leaving()
        server.should_exit = True
        await serving
        listening.close()
