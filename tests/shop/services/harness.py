"""The shop's services on real sockets, as a thread or as a process of their own."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from musterwerk.shop.services.app import Service, create_app
from musterwerk.shop.services.faults import FaultKind, FaultPlan

SLOW = 60.0


class Running:
    """A client of one running service."""

    def __init__(self, url: str) -> None:
        self.url = url
        # No TLS here: reading the authorities takes longer than most tests.
        self.http = httpx.Client(base_url=url, timeout=SLOW, verify=False)  # noqa: S501

    def post(self, path: str, key: str | None, body: Any, **options: Any) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.http.post(path, json=body, headers=headers, **options)

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def injected(self) -> dict[str, int]:
        return self.get("/faults")["injected"]


@contextlib.contextmanager
def serving(app: ASGIApp) -> Generator[Running, None, None]:
    """The application on a loopback socket, in a thread of this process."""
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    running = Running(f"http://127.0.0.1:{sock.getsockname()[1]}")
    try:
        yield running
    finally:
        running.http.close()
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def service(made: Service, plan: FaultPlan | None = None) -> Generator[Running, None, None]:
    with serving(create_app(made, plan)) as running:
        yield running


def only(kind: FaultKind, **options: Any) -> FaultPlan:
    """A plan that meets every request with this fault."""
    return FaultPlan(rate=1.0, shares={kind: 1.0}, **options)


class Process:
    """A module of the shop as it is started for real: an inherited socket, a pipe as stdin."""

    def __init__(self, module: str, data: Path, *args: str) -> None:
        self.data = data
        self._ending: tuple[int, str] | None = None
        with socket.create_server(("127.0.0.1", 0), backlog=64) as sock:
            self.port: int = sock.getsockname()[1]
            self.popen = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [
                    *(sys.executable, "-P", "-m", module),
                    *("--fd", str(sock.fileno()), "--data", str(data), *args),
                ],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[sock.fileno()],
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def end(self) -> tuple[int, str]:
        """Close its stdin if it still runs; its exit code and what it wrote."""
        if self._ending is None:
            _, written = self.popen.communicate(timeout=SLOW)
            self._ending = self.popen.returncode, written.decode()
        return self._ending


@contextlib.contextmanager
def process(module: str, data: Path, *args: str) -> Generator[Process, None, None]:
    started = Process(module, data, *args)
    try:
        yield started
    finally:
        started.end()


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What somebody who checks the books reads, with SQL of their own."""
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
        return connection.execute(query).fetchall()


def wait_until(true: Callable[[], bool]) -> None:
    """Look again and again; fails after a while. For threads, where nothing can be awaited."""
    deadline = time.monotonic() + SLOW
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)  # between two looks


def slug(answer: httpx.Response) -> str:
    """The problem's slug, after checking that the answer is a proper problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == answer.status_code
    prefix = "urn:musterwerk:"
    assert problem["type"].startswith(prefix)
    return problem["type"].removeprefix(prefix)
