"""The console as a process: its database, its connection to Temporal, its socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from socket import socket

from sqlalchemy import URL
from temporalio.client import Client

from musterwerk.approvals.model import TASK_QUEUE
from musterwerk.console.access.settings import AccessSettings
from musterwerk.console.app import create_app
from musterwerk.console.services import Services, Temporal
from musterwerk.console.serving import serve
from musterwerk.errors import StoreError, UsageError
from musterwerk.store import Store
from musterwerk.store.audit_folder import AuditFolder

_MAIL_DECISIONS = "MUSTERWERK_MAIL_DECISIONS"


@dataclass(frozen=True)
class ConsoleOptions:
    """Without `mail_decisions` links in mails only show: to decide, people log in."""

    database: URL
    task_queue: str = TASK_QUEUE
    access: AccessSettings = field(default_factory=AccessSettings)
    audit: AuditFolder | None = None
    temporal_ui: str | None = None
    mail_decisions: bool = True


def mail_decisions(environ: Mapping[str, str] = os.environ) -> bool:
    """Raises `UsageError` where it is neither on nor off."""
    given = environ.get(_MAIL_DECISIONS, "").strip().lower() or "on"
    if given not in ("on", "off"):
        raise UsageError(f"{_MAIL_DECISIONS} is {given!r}; on or off is expected")
    return given == "on"


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
            store,
            Temporal(connect),
            task_queue=options.task_queue,
            access=options.access,
            mail_decisions=options.mail_decisions,
            audit=options.audit,
            temporal_ui=options.temporal_ui,
        )
        await serve(
            create_app(services),
            listening,
            lambda: ready(store),
            leaving=services.live.close,
            proxies=options.access.proxies,
        )
    finally:
        store.close()
