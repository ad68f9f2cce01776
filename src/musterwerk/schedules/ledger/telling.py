"""Telling people of incidents: each target once when it begins, once when it is over."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from musterwerk.errors import AlertError
from musterwerk.notify import Settings, Webhook
from musterwerk.notify.message import Target
from musterwerk.schedules.ledger.wording import alert
from musterwerk.store.incident_table import IncidentTable
from musterwerk.store.ledger_rows import IncidentRow

_SEND_SECONDS = 20.0
#: Tried again after 10 s, 20 s, 40 s, ... and given up after a day.
_FIRST, _MOST = timedelta(seconds=10), timedelta(minutes=10)
_GIVEN_UP_AFTER = timedelta(days=1)

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Teller:
    """A crash between sending and noting it makes a message go out once more, under its key."""

    def __init__(
        self, table: IncidentTable, settings: Settings, clock: Callable[[], datetime] = _now
    ) -> None:
        self._table = table
        self._settings = settings
        self._clock = clock

    async def tell(self) -> None:
        """All that is to be told. What fails is tried again at some later call. Where none of a
        schedule's own people can be told, the operators are. Raises `StoreError`."""
        for incident in await asyncio.to_thread(self._table.to_tell, self._clock()):
            await self._tell(incident)

    async def _tell(self, incident: IncidentRow) -> None:
        kind, now = incident.to_tell, self._clock()
        told = await asyncio.to_thread(self._table.told, incident.id, kind)
        own = self._targets(incident)
        left = [one for one in own if one.name not in told]
        done = await asyncio.gather(*(self._send(incident, one) for one in left))
        if not all(done) and not any(done) and not told:
            others = [one for one in self._settings.targets if one not in own]
            await asyncio.gather(*(self._send(incident, one) for one in others))
        late = now - (incident.closed_at or incident.opened_at) > _GIVEN_UP_AFTER
        if all(done) or late:
            if not all(done):
                _log.error("not everybody was told of %s in a day: given up", incident.id)
            await asyncio.to_thread(self._table.all_told, incident.id, kind)
            return
        wait = min(_FIRST * 2 ** min(incident.attempts, 10), _MOST)
        await asyncio.to_thread(self._table.tell_later, incident.id, kind, now + wait)

    async def _send(self, incident: IncidentRow, target: Target) -> bool:
        message = alert(incident, self._settings.language, self._settings.console)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await target.send(message)
        except (AlertError, TimeoutError) as error:
            _log.warning("%s could not be told of %s: %s", target.name, incident.id, error)
            return False
        await asyncio.to_thread(
            self._table.mark_told, incident.id, incident.to_tell, target.name, self._clock()
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
