"""`musterwerk dev`: everything on one machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from musterwerk.approvals.model import CONSOLE_ATTRIBUTE
from musterwerk.cli import console, login
from musterwerk.cli.address import (
    DEFAULT_DATA,
    AddressOption,
    DataOption,
    dev_file,
    given_address,
    write_dev,
)
from musterwerk.cli.extensions import dev_parts
from musterwerk.cli.output import Output
from musterwerk.cli.running import run
from musterwerk.cli.worker import installed, start_worker, worker_options
from musterwerk.notify.settings import CONSOLE_URL
from musterwerk.runtime.connection import DEFAULT_NAMESPACE, Target
from musterwerk.runtime.folder import FolderLock
from musterwerk.runtime.ports import LOCALHOST, KeptPorts
from musterwerk.runtime.processes import ManagedProcess, ProcessDied, first_death
from musterwerk.runtime.readiness import SearchAttributeType
from musterwerk.runtime.server import EmbeddedServer

_CONSOLE = "console"


@dataclass(frozen=True)
class DevContext:
    """What a part of `dev` gets. `watch` a process, and its death ends the whole of `dev`.

    Without `add_people` the database may be anybody's: no part puts people into it.
    """

    data: Path
    address: str
    ui_url: str | None
    target: Target
    watch: Callable[[ManagedProcess], object]
    add_people: bool = True


DevPart = Callable[[DevContext], AbstractAsyncContextManager[Mapping[str, str]]]


def register(app: typer.Typer) -> None:
    app.command("dev")(dev)


def dev(
    data: DataOption = DEFAULT_DATA,
    shop: Annotated[bool, typer.Option(help="Run the order desk too.")] = True,
    address: AddressOption = None,
    add_people: Annotated[
        bool,
        typer.Option(
            login.FLAG,
            help="Add an admin and the shop's staff also where MUSTERWERK_DATABASE_URL is set.",
        ),
    ] = False,
) -> None:
    """Run everything on this machine until Ctrl-C.

    Starts a Temporal server of its own on DATA, unless --address or Temporal's environment names
    one. The data is kept for the next start.
    """
    parts: list[DevPart] = dev_parts(without=() if shop else ("shop",))
    if installed():
        worker_options(data)  # wrong settings are told before anything starts
    add_people = add_people or login.is_ours()
    run(_dev(data.absolute(), given_address(address), parts, add_people), stop_code=0)


async def _dev(data: Path, given: Target | None, parts: list[DevPart], add_people: bool) -> None:
    watched: list[ManagedProcess] = []
    async with AsyncExitStack() as stack:
        moved: list[str] = []
        context = await _engine(stack, data, given, watched, moved)
        context = replace(context, add_people=add_people)
        addresses = {"Temporal": context.address}
        if context.ui_url:
            addresses["Temporal UI"] = context.ui_url
        addresses |= await _console(stack, context, moved)
        await _worker(stack, context, addresses.get("Console"))
        for part in parts:
            addresses |= await stack.enter_async_context(part(context))
        target = context.target
        write_dev(
            data,
            {
                "pid": os.getpid(),
                "address": context.address,
                "namespace": target.namespace,
                "isolated": target.isolated,
                "addresses": addresses,
            },
        )
        stack.callback(dev_file(data).unlink, missing_ok=True)
        _announce(addresses, data)
        for one in moved:
            Output().say(one)
        if "Console" in addresses:
            await asyncio.to_thread(
                login.tell, Output(), data, addresses["Console"], add_people=add_people
            )
        raise ProcessDied(await first_death(watched))


async def _worker(stack: AsyncExitStack, context: DevContext, console_url: str | None) -> None:
    if not installed():
        Output().say("Dead letters are not kept: that needs pip install 'musterwerk[worker]'.")
        return
    env = {CONSOLE_URL: console_url, **os.environ} if console_url else None
    worker = await start_worker(context.data, context.target, env=env)
    stack.push_async_callback(worker.stop)
    context.watch(worker)


async def _console(stack: AsyncExitStack, context: DevContext, moved: list[str]) -> dict[str, str]:
    if not console.installed():
        Output().say("There is no console: that needs pip install 'musterwerk[console]'.")
        return {}
    kept = KeptPorts(context.data)
    before = kept.of(_CONSOLE)
    # Who has named another one in the environment means that one.
    env = {console.TEMPORAL_UI: context.ui_url or "", **os.environ}
    process, url = await console.start_console(
        context.data, context.target, port=before or console.PORT, env=env
    )
    stack.push_async_callback(process.stop)
    context.watch(process)
    port = int(url.rpartition(":")[2])
    kept.keep(**{_CONSOLE: port})
    if before not in (None, port):
        moved.append(_has_moved("The console", f"{LOCALHOST}:{before}", url))
    return {"Console": url}


async def _engine(
    stack: AsyncExitStack,
    data: Path,
    given: Target | None,
    watched: list[ManagedProcess],
    moved: list[str],
) -> DevContext:
    if given is None:
        attributes: dict[str, SearchAttributeType] = {CONSOLE_ATTRIBUTE: "Keyword"}
        server = await stack.enter_async_context(EmbeddedServer(data, search_attributes=attributes))
        watched.append(server.process)
        if server.moved_from:
            moved.append(_has_moved("Temporal", server.moved_from, server.address))
        target = Target(server.address, DEFAULT_NAMESPACE, isolated=True)
        return DevContext(data, server.address, server.ui_url, target, watched.append)
    lock = FolderLock(data)
    await lock.acquire()
    stack.callback(lock.release)
    await given.connect()
    return DevContext(data, given.address or "", None, given, watched.append)


def _has_moved(what: str, before: str, now: str) -> str:
    return (
        f"{what} was at {before} before; that port is taken, so it is at {now} now: start again "
        "whatever was given the old address."
    )


def _announce(addresses: Mapping[str, str], data: Path) -> None:
    output = Output()
    width = max(map(len, addresses))
    for label, address in addresses.items():
        output.text(f"{label:<{width}}  {address}")
    output.say(f"Everything runs; data and logs are in {data}. Ctrl-C stops it.")
