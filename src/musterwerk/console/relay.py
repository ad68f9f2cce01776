"""What was recorded while Temporal or its workers were away is brought to its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
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


def backoff(attempts: int) -> timedelta:
    """1 s, 2 s, 4 s, ... 1 min."""
    return min(timedelta(seconds=2.0 ** min(attempts, 20)), _LONGEST)


class ActRelay:
    """Runs as long as the console does. Several at once do no harm: each act counts once."""

    def __init__(self, services: Services, *, age: timedelta = AGE, every: float = _EVERY) -> None:
        self._services = services
        self._age = age
        self._every = every
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
        due = await asyncio.to_thread(self._services.acts.pending, self._services.now() - self._age)
        # Acts on one request keep their order; a request that is stuck holds up no other.
        due.sort(key=lambda row: (row.request_id, row.created_at, row.id))
        groups = [list(group) for _, group in groupby(due, key=lambda row: row.request_id)]
        async with asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(self._bring(group))

    async def _bring(self, rows: list[ActRow]) -> None:
        async with self._few:
            try:
                for place, row in enumerate(rows):
                    if not await self._try(row):
                        for waiting in rows[place:]:
                            await self._later(waiting)
                        return
            except StoreError as error:
                _log.warning("acts on %s have to wait: %s", rows[0].request_id, error)

    async def _try(self, row: ActRow) -> bool:
        """False where it cannot be known how it stands: those after it have to wait as well."""
        try:
            if row.state == "sending":
                await sending.send(self._services, row)
                return True
            reply = await sending.look(self._services, row)
        except Away as away:
            _log.info("%s on %s waits: %s", row.id, row.request_id, away)
            return False
        except StoreError:
            raise
        except Exception:
            _log.exception("%s on %s could not be brought to its end", row.id, row.request_id)
            return False
        if reply is None or reply.verdict == "recorded":
            await self._later(row)
        return True

    async def _later(self, row: ActRow) -> None:
        due_at = self._services.now() + backoff(row.attempts)
        await asyncio.to_thread(self._services.acts.tried, row.id, row.request_id, due_at)


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
