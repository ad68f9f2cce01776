"""The console as a process: its database, its connection to Temporal, its socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from socket import socket

from sqlalchemy import URL
from temporalio.client import Client

from musterwerk.approvals.model import TASK_QUEUE
from musterwerk.console.access.settings import AccessSettings
from musterwerk.console.app import create_app
from musterwerk.console.services import Services, Temporal
from musterwerk.console.serving import serve
from musterwerk.errors import StoreError
from musterwerk.store import Store


@dataclass(frozen=True)
class ConsoleOptions:
    database: URL
    task_queue: str = TASK_QUEUE
    access: AccessSettings = field(default_factory=AccessSettings)


async def run_console(
    connect: Callable[[], Awaitable[Client]],
    options: ConsoleOptions,
    listening: socket,
    ready: Callable[[Store], object],
) -> None:
    """Serve until cancelled. Neither Temporal nor the database need to be there at the start.

    A database of a newer version is refused: raises `StoreError`.
    """
    store = Store(options.database)
    try:
        try:
            await asyncio.to_thread(store.prepare)
        except StoreError as error:
            if not error.temporary:
                raise
        services = Services(
            store, Temporal(connect), task_queue=options.task_queue, access=options.access
        )
        proxies = options.access.proxies
        await serve(create_app(services), listening, lambda: ready(store), proxies=proxies)
    finally:
        store.close()
