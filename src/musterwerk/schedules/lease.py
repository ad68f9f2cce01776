"""One backfill of a schedule at a time: two at once would each start what the other starts.

Who has the turn says so in the note of a silent schedule. Who was killed has it for half a minute
more, by the clocks of those who ask.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from musterwerk.errors import MusterwerkError, ServerError
from musterwerk.schedules.model import OURS_ALONE
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.schedules.silent import put_silent

_FOR = timedelta(seconds=30)
_RENEW_SECONDS, _LOOK_SECONDS = 8.0, 0.3


class Lease:
    """`check` raises `ServerError` when somebody else may have the turn by now."""

    def __init__(self, server: ScheduleServer, schedule: str) -> None:
        self.server, self.name = server, f"{OURS_ALONE}backfill.{schedule}"
        self._schedule, self._id, self._until = schedule, str(uuid.uuid4()), datetime.now(UTC)
        #: From one that was cut off: the server may go on still with what it was asked.
        self.taken_over = False

    def check(self) -> None:
        if datetime.now(UTC) >= self._until:
            raise ServerError(
                f"{self._schedule}: this backfill stood still for so long that another one may go "
                "on; the same command again does the rest"
            )

    async def take(self, set_name: str) -> bool:
        """False while another one has it."""
        until = datetime.now(UTC) + _FOR
        if await put_silent(self.server, self.name, set_name, self._note(until)):
            self._until = until
            return True
        found = await self.server.describe(self.name)
        if found is None or _until(found) > datetime.now(UTC):
            return False
        self.taken_over = await self._write(found, datetime.now(UTC) + _FOR)
        return self.taken_over

    async def keep(self) -> None:
        """For as long as it is wanted."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            with suppress(ServerError):  # `check` tells when it has gone on for too long
                found = await self.server.describe(self.name)
                if found is None or not self._mine(found):
                    return
                await self._write(found, datetime.now(UTC) + _FOR)

    async def leave(self, *, done: bool) -> None:
        """Who is not `done` leaves a sign for the next one."""
        found = await self.server.describe(self.name)
        if found is None or not self._mine(found):
            return
        if done:
            await self.server.delete(self.name)
        else:
            await self._write(found, datetime.now(UTC))

    async def _write(self, was: Described, until: datetime) -> bool:
        """Whether it is ours from now on: who has read it before somebody changed it changes
        nothing."""
        if was.mark is None:
            return False
        was.proto.state.notes = self._note(until)
        found = await self.server.update(was, was.proto, was.mark)
        if found is None or not self._mine(found):
            return False
        self._until = until
        return True

    def _note(self, until: datetime) -> str:
        return f"{self._id} {until.isoformat()}"

    def _mine(self, found: Described) -> bool:
        return found.proto.state.notes.startswith(self._id)


def _until(found: Described) -> datetime:
    try:
        return datetime.fromisoformat(found.proto.state.notes.rpartition(" ")[2])
    except ValueError:  # somebody has written there
        return datetime.min.replace(tzinfo=UTC)


@asynccontextmanager
async def alone(
    server: ScheduleServer, found: Described, waiting: Callable[[], object]
) -> AsyncGenerator[Lease]:
    """`waiting` is called once where another one has the turn."""
    lease, told = Lease(server, found.name), False
    while not await lease.take(found.set_name):
        if not told:
            waiting()
        told = True
        await asyncio.sleep(_LOOK_SECONDS)
    keeping, done = asyncio.create_task(lease.keep()), False
    try:
        yield lease
        done = True
    finally:
        keeping.cancel()
        # What it could not keep, or leave, ends by itself.
        await asyncio.gather(keeping, return_exceptions=True)
        with suppress(MusterwerkError):
            await lease.leave(done=done)
