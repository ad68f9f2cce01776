"""`musterwerk worker`: a worker of ours, until Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musterwerk.cli.address import (
    DEFAULT_DATA,
    AddressOption,
    DataOption,
    NamespaceOption,
    find_address,
)
from musterwerk.cli.output import Output
from musterwerk.cli.running import run
from musterwerk.errors import UsageError
from musterwerk.runtime.connection import Target
from musterwerk.runtime.processes import Command, ManagedProcess
from musterwerk.saga import TASK_QUEUE

if TYPE_CHECKING:
    from musterwerk.worker import WorkerOptions

_CONNECT_SECONDS = 30.0
_SERVES = "Serves "
_PARTS = (
    "aiosmtplib",
    "alembic",
    "cryptography",
    "holidays",
    "httpx",
    "jsonschema",
    "regex",
    "sqlalchemy",
)


def register(app: typer.Typer) -> None:
    app.command("worker")(worker)


def worker(
    address: AddressOption = None,
    namespace: NamespaceOption = None,
    data: DataOption = DEFAULT_DATA,
    isolated: Annotated[bool, typer.Option("--isolated", hidden=True)] = False,
    task_queue: Annotated[str, typer.Option(help="Of requests and dead letters.")] = TASK_QUEUE,
) -> None:
    """Serve approvals, send mails and webhooks, keep dead letters of sagas, until Ctrl-C.

    The database is DATA/musterwerk.sqlite, or what MUSTERWERK_DATABASE_URL says.
    """
    found = find_address(address, data, namespace)
    target = replace(found, isolated=isolated or found.isolated)
    options = replace(worker_options(data), task_queue=task_queue)
    run(_work(target, options), stop_code=0)


async def _work(target: Target, options: WorkerOptions) -> None:
    from musterwerk.worker import serve

    client = await target.connect(patience=_CONNECT_SECONDS)
    await serve(client, options, Output().say)


def installed() -> bool:
    """Whether the parts of the extra `worker` are there."""
    return all(find_spec(name) for name in _PARTS)


def worker_options(data: Path) -> WorkerOptions:
    """The worker's settings, checked; says what to install where its parts are missing."""
    try:
        from musterwerk.worker import WorkerOptions
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"the worker needs {missing.name}: pip install 'musterwerk[worker]'"
        ) from missing
    return WorkerOptions.from_environment(data)


async def start_worker(
    data: Path,
    target: Target,
    *,
    task_queue: str = TASK_QUEUE,
    env: Mapping[str, str] | None = None,
) -> ManagedProcess:
    """A worker as a child process, ready to serve; by default in our own environment."""
    args = ["--data", str(data), "--task-queue", task_queue]
    if target.address:
        args += ["--address", target.address]
    if target.namespace:
        args += ["--namespace", target.namespace]
    if target.isolated:
        args += ["--isolated"]
    process = ManagedProcess.start(
        Command(
            name="musterwerk-worker",
            args=[sys.executable, "-P", "-m", "musterwerk", "worker", *args],
            log=data / "logs" / "musterwerk-worker.log",
            env=env,
        )
    )

    async def serves() -> bool:
        return any(line.startswith(_SERVES) for line in process.log_tail())

    try:
        await process.ready(serves)
    except BaseException:
        process.kill()
        raise
    return process
