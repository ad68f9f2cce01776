"""What was recorded while Temporal or its workers were away is brought to its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from musterwerk.console import sending
from musterwerk.console.sending import Away
from musterwerk.console.services import Services
from musterwerk.errors import StoreError
from musterwerk.store.act_table import ActRow

#: Whoever made the act is still waiting for it before that.
AGE = timedelta(seconds=2)
_EVERY = 1.0
_LONGEST = timedelta(minutes=1)
_SIDE_BY_SIDE = 8
_log = logging.getLogger(__name__)


@dataclass
class _Patience:
    """When an act is looked at again: after twice the time of the last time."""

    due: datetime
    wait: timedelta


class ActRelay:
    """Runs as long as the console does. Several at once do no harm: each act counts once."""

    def __init__(self, services: Services, *, age: timedelta = AGE, every: float = _EVERY) -> None:
        self._services = services
        self._age = age
        self._every = every
        self._patience: dict[tuple[str, str], _Patience] = {}
        self._few = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.round()
            except StoreError as error:
                _log.warning("acts on their way have to wait: %s", error)
            except Exception:
                _log.exception("a round of the relay failed; the next one comes")
            await asyncio.sleep(self._every)

    async def round(self) -> None:
        now = self._services.now()
        rows = await asyncio.to_thread(self._services.acts.pending, now - self._age)
        old = now - 2 * _LONGEST
        self._patience = {key: one for key, one in self._patience.items() if one.due > old}
        due = [row for row in rows if self._is_due(row, now)]
        # Acts on one request keep their order; a request that is stuck holds up no other.
        due.sort(key=lambda row: (row.request_id, row.created_at, row.id))
        groups = [list(group) for _, group in groupby(due, key=lambda row: row.request_id)]
        async with asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(self._bring(group))

    async def _bring(self, rows: list[ActRow]) -> None:
        async with self._few:
            for row in rows:
                try:
                    if row.state == "sending":
                        await sending.send(self._services, row)
                    else:
                        await sending.look(self._services, row)
                except Away as away:
                    _log.info("%s on %s waits: %s", row.id, row.request_id, away)
                    await self._later(rows)
                    return
                await self._later([row])

    def _is_due(self, row: ActRow, now: datetime) -> bool:
        known = self._patience.get(_key(row))
        return known is None or known.due <= now

    async def _later(self, rows: list[ActRow]) -> None:
        """Those that are stuck go behind the others, however many they are."""
        now = self._services.now()
        for row in rows:
            known = self._patience.get(_key(row))
            wait = min(known.wait * 2, _LONGEST) if known else timedelta(seconds=self._every)
            self._patience[_key(row)] = _Patience(now + wait, wait)
            await asyncio.to_thread(self._services.acts.tried, row.id, row.request_id, now)


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _key(row: ActRow) -> tuple[str, str]:
    return row.request_id, row.id
