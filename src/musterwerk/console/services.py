"""What the console works with: its database, and a Temporal server that may be away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from temporalio.client import Client

from musterwerk.approvals.client import PATIENCE
from musterwerk.approvals.model import TASK_QUEUE
from musterwerk.console.access.limits import LinkLimits, LoginLimits
from musterwerk.console.access.oidc import OidcClient
from musterwerk.console.access.settings import AccessSettings
from musterwerk.console.live import Live
from musterwerk.console.schedule_acts import ScheduleActs
from musterwerk.store import Store
from musterwerk.store.act_table import ActTable
from musterwerk.store.audit import AuditTrail
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.inbox import InboxTable
from musterwerk.store.mail_links import MailLinkTable
from musterwerk.store.passwords import PasswordTable
from musterwerk.store.people import PeopleTable
from musterwerk.store.sessions import SessionTable
from musterwerk.store.tokens import TokenTable


class Temporal:
    """A connection made when it is needed: the console starts and answers without a server.

    Once there, the client reconnects by itself.
    """

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def client(self) -> Client:
        """Raises `ServerError` where none answers."""
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
            return self._client


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Services:
    """`task_queue` is where new requests are served. `patience` is how long a worker has to answer
    an act before it is sent on as recorded; who asks people, or acts on a schedule, is kept waiting
    so much longer too. `audit` is where the checkpoints of the trail are, `temporal_ui`
    the address of Temporal's own screens. Without `mail_decisions` links in mails only show."""

    store: Store
    temporal: Temporal
    task_queue: str = TASK_QUEUE
    patience: timedelta = PATIENCE
    now: Callable[[], datetime] = field(default=_now)
    audit: AuditFolder | None = None
    temporal_ui: str | None = None
    logins: LoginLimits = field(default_factory=LoginLimits)
    mail_decisions: bool = True
    link_limits: LinkLimits = field(default_factory=LinkLimits)
    access: AccessSettings = field(default_factory=AccessSettings)

    @cached_property
    def oidc(self) -> OidcClient | None:
        provider = self.access.provider
        return OidcClient(provider, lambda: self.now()) if provider else None

    @cached_property
    def people(self) -> PeopleTable:
        return PeopleTable(self.store)

    @cached_property
    def tokens(self) -> TokenTable:
        return TokenTable(self.store)

    @cached_property
    def passwords(self) -> PasswordTable:
        return PasswordTable(self.store)

    @cached_property
    def sessions(self) -> SessionTable:
        return SessionTable(self.store, now=lambda: self.now())

    @cached_property
    def live(self) -> Live:
        return Live(self)

    @cached_property
    def schedule_acts(self) -> ScheduleActs:
        return ScheduleActs(self)

    @cached_property
    def links(self) -> MailLinkTable:
        return MailLinkTable(self.store)

    @cached_property
    def inbox(self) -> InboxTable:
        return InboxTable(self.store)

    @cached_property
    def acts(self) -> ActTable:
        return ActTable(self.store)

    @cached_property
    def trail(self) -> AuditTrail:
        return AuditTrail(self.store)
