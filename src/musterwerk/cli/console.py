"""`musterwerk console`: the web application, until Ctrl-C."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

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

HOST = "127.0.0.1"
PORT = 8420
#: A request waits no longer for a server that is away.
_CONNECT_SECONDS = 1.0
_SERVES = "Console  "
#: The address of Temporal's own screens, to which those of a request lead.
TEMPORAL_UI = "MUSTERWERK_TEMPORAL_UI"


def register(app: typer.Typer) -> None:
    app.command("console")(console)


def console(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 is everywhere.")] = HOST,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any that is free.")] = PORT,
    address: AddressOption = None,
    namespace: NamespaceOption = None,
    data: DataOption = DEFAULT_DATA,
    task_queue: Annotated[str, typer.Option(help="Where new requests are served.")] = TASK_QUEUE,
    isolated: Annotated[bool, typer.Option("--isolated", hidden=True)] = False,
    or_any: Annotated[bool, typer.Option("--or-any-port", hidden=True)] = False,
) -> None:
    """Serve the inbox and the REST API of approvals, until Ctrl-C.

    The database is DATA/musterwerk.sqlite, or what MUSTERWERK_DATABASE_URL says. People log in
    with a password (`musterwerk people password PERSON`) or their company's account
    (MUSTERWERK_OIDC_...), programs with a token (`musterwerk people token PERSON`). For anything
    but this machine put a proxy before it that speaks TLS, and name it in MUSTERWERK_PROXIES.
    """
    try:
        from musterwerk.console.access.settings import AccessSettings
        from musterwerk.console.running import ConsoleOptions, mail_decisions, run_console
        from musterwerk.console.serving import listen, url_of
        from musterwerk.store import Store, database_url
        from musterwerk.store.audit_folder import AuditFolder
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"the console needs {missing.name}: pip install 'musterwerk[console]'"
        ) from missing
    access = AccessSettings.from_environment()
    found = find_address(address, data, namespace)
    target = replace(found, isolated=isolated or found.isolated)
    out = Output()
    listening = listen(host, port, or_any=or_any)

    def ready(store: Store) -> None:
        out.text(f"{_SERVES}{url_of(listening)}")
        out.say(f"Database: {store}. Temporal: {target.address}. Ctrl-C stops it.")

    options = ConsoleOptions(
        database_url(data),
        task_queue,
        access=access,
        mail_decisions=mail_decisions(),
        audit=AuditFolder.from_environment(data),
        temporal_ui=os.environ.get(TEMPORAL_UI, "").rstrip("/") or None,
    )
    connect = lambda: target.connect(patience=_CONNECT_SECONDS)  # noqa: E731 - one use, below
    run(run_console(connect, options, listening, ready), stop_code=0)


def installed() -> bool:
    """Whether the parts of the extra `console` are there."""
    return all(find_spec(name) for name in ("alembic", "fastapi", "sqlalchemy", "uvicorn"))


async def start_console(
    data: Path,
    target: Target,
    *,
    port: int = PORT,
    task_queue: str = TASK_QUEUE,
    env: Mapping[str, str] | None = None,
) -> tuple[ManagedProcess, str]:
    """A console as a child process that serves, and its address; another port if that is taken."""
    args = ["--data", str(data), "--port", str(port), "--or-any-port", "--task-queue", task_queue]
    if target.address:
        args += ["--address", target.address]
    if target.namespace:
        args += ["--namespace", target.namespace]
    if target.isolated:
        args += ["--isolated"]
    process = ManagedProcess.start(
        Command(
            name="musterwerk-console",
            args=[sys.executable, "-P", "-m", "musterwerk", "console", *args],
            log=data / "logs" / "musterwerk-console.log",
            env=env,
        )
    )

    def told() -> list[str]:
        return [line for line in process.log_tail() if line.startswith(_SERVES)]

    async def serves() -> bool:
        return bool(told())

    try:
        await process.ready(serves)
    except BaseException:
        process.kill()
        raise
    return process, told()[0].removeprefix(_SERVES).strip()
