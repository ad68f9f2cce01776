"""Telling people of incidents: each target once when it begins, once when it is over."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import UTC, datetime

from musterwerk.errors import AlertError
from musterwerk.notify import Settings, Webhook
from musterwerk.notify.message import Target
from musterwerk.schedules.ledger.wording import alert
from musterwerk.store.ledger import IncidentRow, LedgerTable

_SEND_SECONDS = 20.0
#: After so many failures a target is left alone for so many rounds, and more each time.
_MOST_ROUNDS_OFF = 12

_log = logging.getLogger(__name__)


class Teller:
    """A crash between sending and noting it makes a message go out once more, under its key."""

    def __init__(self, table: LedgerTable, settings: Settings) -> None:
        self._table = table
        self._settings = settings
        self._failures: dict[str, int] = {}
        self._off: dict[str, int] = {}

    async def tell(self) -> None:
        """All that is to be told. What fails is tried again at the next call, or some later one.
        Raises `StoreError`."""
        self._off = {name: rounds - 1 for name, rounds in self._off.items() if rounds > 1}
        for incident in await asyncio.to_thread(self._table.to_tell):
            await self._tell(incident)

    async def _tell(self, incident: IncidentRow) -> None:
        kind = incident.to_tell
        told = await asyncio.to_thread(self._table.told, incident.id, kind)
        left = [one for one in self._targets(incident) if one.name not in told]
        done = await asyncio.gather(*(self._send(incident, one) for one in left))
        if all(done):
            await asyncio.to_thread(self._table.all_told, incident.id, kind)

    async def _send(self, incident: IncidentRow, target: Target) -> bool:
        """True also where it is refused for ever: nobody is told by trying again."""
        if target.name in self._off:
            return False
        message = alert(incident, self._settings.language, self._settings.console)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await target.send(message)
        except (AlertError, TimeoutError) as error:
            failures = self._failures[target.name] = self._failures.get(target.name, 0) + 1
            self._off[target.name] = min(2**failures, _MOST_ROUNDS_OFF)
            _log.warning("%s could not be told of %s: %s", target.name, incident.id, error)
            return isinstance(error, AlertError) and error.refused
        self._failures.pop(target.name, None)
        now = datetime.now(UTC)
        await asyncio.to_thread(
            self._table.mark_told, incident.id, incident.to_tell, target.name, now
        )
        return True

    def _targets(self, incident: IncidentRow) -> list[Target]:
        """Those of the schedule, as far as they can be written to; else the operators."""
        found = [target for one in incident.told_to if (target := self._target(one)) is not None]
        return found or list(self._settings.targets)

    def _target(self, given: str) -> Target | None:
        if given.startswith(("http://", "https://")):
            # Its address may hold a secret, and names are kept.
            digest = hashlib.sha256(given.encode()).hexdigest()[:12]
            return Webhook(given, name=f"webhook:{digest}")
        return self._settings.mailbox(given)
