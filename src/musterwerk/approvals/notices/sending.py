"""Sends what people are to be told, in the background of a worker process.

Notices are written with what happened, in one transaction, and wait in the database until they
are sent. What was sent is marked for each person: nothing is sent twice, except what a mail server
had just taken when the process died before it could make the mark. A mark that fails because the
database is away is remembered, so that only such a death can repeat a mail.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from musterwerk.approvals.notices.post import Letter, Opened, PostRoom
from musterwerk.errors import AlertError, StoreError
from musterwerk.notify import Settings
from musterwerk.store import NoticeTable, Store
from musterwerk.store.outbox import NoticeRow

#: How often it looks for what nobody woke it for: another process may have written it.
_LOOK = 1.0
#: Notices at work at once, and messages on their way to one server.
_NOTICES, _AT_ONCE = 50, 8
#: A claim outlasts the work on it: nothing is begun in its last minute, or takes longer than half.
_CLAIM, _LAST_MINUTE, _SEND = 300.0, 60.0, 30.0
#: How long a running mail may take when the process is to end.
_GOODBYE = 5.0
_GIVEN_UP = "given up: "
#: An address that is refused for so long is given up; so is a notice of an unknown request.
PATIENCE = timedelta(days=1)
_LONGEST = 300.0

_log = logging.getLogger(__name__)


def backoff(failures: int) -> timedelta:
    """1 s, 2 s, 4 s, ... 5 min."""
    return timedelta(seconds=min(2.0 ** min(failures, 20), _LONGEST))


class Outage:
    """Whether a server is away. Then nobody asks it until its next turn, whoever has something."""

    def __init__(self) -> None:
        self._failures = 0
        self.until: datetime | None = None

    def is_on(self, now: datetime) -> bool:
        return self.until is not None and now < self.until

    def begins(self, now: datetime, tried_at: datetime) -> None:
        """Those who were already under way when it began do not make it longer."""
        if not self.is_on(tried_at):
            self.until = now + backoff(self._failures)
            self._failures += 1

    def ends(self) -> None:
        self._failures, self.until = 0, None


@dataclass(frozen=True)
class _Lane:
    """One server: the mail server, or that of a webhook."""

    outage: Outage = field(default_factory=Outage)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))


@dataclass(frozen=True)
class _Missed:
    """A letter that was not taken: `again` is when to try, None for never."""

    note: str
    again: datetime | None = None


class NoticeSender:
    """Several processes may send at once; each notice is one's at a time.

    A mail server or webhook that is away holds up nobody else's work, and is tried again after
    1 s to 5 min, without end. An address that the mail server refuses, and a webhook that answers
    4xx, is tried for a day from when the notice was written, without holding up the others of the
    same notice.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = NoticeTable(store)
        self._room = PostRoom(store, settings)
        self._now = now
        self._woken = asyncio.Event()
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._unmarked: defaultdict[str, set[str]] = defaultdict(set)
        self._tasks: set[asyncio.Task[None]] = set()
        self._database_away = False

    def wake(self) -> None:
        """There is something new: look at once. To be called in the sender's event loop."""
        self._woken.set()

    async def run(self) -> None:
        """Until it is cancelled; what is being sent then may still arrive."""
        try:
            while True:
                self._woken.clear()
                claimed = await self._begin()
                await self._rest(busy=claimed > 0)
        finally:
            await self._leave()

    async def send_due(self) -> int:
        """Send what is due now and come back; returns how many notices that were."""
        count = 0
        while claimed := await self._begin():
            count += claimed
            await asyncio.gather(*self._tasks)
        return count

    async def _begin(self) -> int:
        room = _NOTICES - len(self._tasks)
        if room <= 0:
            return 0
        try:
            rows = await asyncio.to_thread(self._table.claim, self._now(), room, _CLAIM)
        except StoreError as error:
            if not self._database_away:
                _log.warning("no notices can be sent for now: %s", error)
            self._database_away = True
            return 0
        self._database_away = False
        for row in rows:
            task = asyncio.create_task(self._send(row))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(rows)

    async def _rest(self, *, busy: bool) -> None:
        """Until somebody wakes it or it is time to look; where there is much to do, until some
        of it is done.
        """
        if busy and not self._tasks:
            return
        waking = asyncio.create_task(self._woken.wait())
        until = {waking, *(self._tasks if busy else ())}
        try:
            await asyncio.wait(until, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()

    async def _leave(self) -> None:
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=_GOODBYE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _send(self, row: NoticeRow) -> None:
        """Whatever goes wrong with one notice, the others are sent; its claim ends by itself."""
        try:
            await self._deliver(row)
        except StoreError as error:
            _log.warning("the notice %s waits for the database: %s", row.key, error)
        except Exception:
            _log.exception("the notice %s could not be worked on", row.key)

    async def _deliver(self, row: NoticeRow) -> None:
        began = self._now()
        for name in tuple(self._unmarked.get(row.key, ())):
            await self._mark(row, name)
        sent = await asyncio.to_thread(self._table.sent_to, row.key)
        told = {name.removeprefix(_GIVEN_UP) for name in sent}
        opened = await asyncio.to_thread(self._room.open, row, began, told)
        if opened.lost:
            await self._settle(row, [self._missed(row, "nothing is known of its request")])
            return
        stop = began + timedelta(seconds=_CLAIM - _LAST_MINUTE)
        missed = await asyncio.gather(*(self._hand_over(row, one, stop) for one in opened.letters))
        await self._settle(row, [one for one in missed if one is not None], opened)

    async def _hand_over(self, row: NoticeRow, letter: Letter, stop: datetime) -> _Missed | None:
        lane = self._lanes["mail" if letter.mail else letter.name]
        outage = lane.outage
        async with lane.turns:
            now = self._now()
            if outage.is_on(now):
                return _Missed(f"{letter.name}: waits for the server", outage.until)
            if now >= stop:
                return _Missed(f"{letter.name}: its turn did not come", now)
            failure = await _attempt(letter)
        if failure is not None and not failure.refused:
            outage.begins(self._now(), now)
            return _Missed(f"{letter.name}: {failure}", outage.until)
        outage.ends()
        try:
            if failure is not None:
                return await self._refused(row, letter, failure)
            self._unmarked[row.key].add(letter.name)
            await self._mark(row, letter.name)
        except StoreError as error:
            return _Missed(f"{letter.name}: not noted: {error}", self._now() + backoff(0))
        return None

    async def _refused(self, row: NoticeRow, letter: Letter, error: AlertError) -> _Missed:
        missed = self._missed(row, f"{letter.name}: {error}")
        if missed.again is None:
            await self._mark(row, _GIVEN_UP + letter.name)
        return missed

    def _missed(self, row: NoticeRow, note: str) -> _Missed:
        """To be tried again for a day."""
        now = self._now()
        if now - row.at >= PATIENCE:
            return _Missed(_GIVEN_UP + note)
        return _Missed(note, now + backoff(row.attempts))

    async def _mark(self, row: NoticeRow, name: str) -> None:
        await asyncio.to_thread(self._table.mark_sent, row.key, name, self._now())
        self._unmarked[row.key].discard(name)
        if not self._unmarked[row.key]:
            del self._unmarked[row.key]

    async def _settle(
        self, row: NoticeRow, missed: list[_Missed], opened: Opened | None = None
    ) -> None:
        notes = [*(opened.notes if opened else ()), *(one.note for one in missed)]
        again = min((one.again for one in missed if one.again is not None), default=None)
        if notes:
            if any(note.startswith(_GIVEN_UP) for note in notes):
                _log.warning("the notice %s: %s", row.key, "; ".join(notes))
            due = again or self._now()
            await asyncio.to_thread(self._table.failed, row.key, "; ".join(notes[:10]), due)
        if again is None:
            await asyncio.to_thread(self._table.done, row.key, self._now())


async def _attempt(letter: Letter) -> AlertError | None:
    """Why it was not taken; None if it was."""
    try:
        async with asyncio.timeout(_SEND):
            await letter.target.send(letter.message)
    except AlertError as error:
        return error
    except TimeoutError:
        return AlertError(f"no answer within {_SEND:.0f} seconds")
    return None
