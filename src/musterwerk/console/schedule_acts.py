"""What people do to schedules: noted in the audit trail, then done, beside the request if need be.

Each act has the id of the form it came by: sent again, it is the same act, and done once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from temporalio.service import RPCError

from musterwerk.errors import ScheduleRefused, ServerError, UsageError
from musterwerk.schedules.server import ScheduleServer
from musterwerk.store.audit import AuditLine
from musterwerk.store.schedule_acts import note

if TYPE_CHECKING:
    from musterwerk.console.services import Services

_log = logging.getLogger(__name__)
Kind = Literal["pause", "unpause", "trigger", "backfill"]
#: As the audit trail names them.
EVENTS: dict[Kind, str] = {
    "pause": "schedule_paused",
    "unpause": "schedule_unpaused",
    "trigger": "schedule_triggered",
    "backfill": "schedule_backfilled",
}
#: A request waits no longer, beside the patience that is set; what it began goes on.
_SECONDS = 5.0
_CONNECT_SECONDS = 5.0
#: Outcomes of so many are remembered.
_MOST = 1_000


@dataclass(frozen=True)
class ScheduleAct:
    id: str
    kind: Kind
    schedule: str
    person: str
    data: dict[str, Any]


class Refused(Exception):
    """It is not as it was shown: `why` is "paused", "running", "busy" or "changed"."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


@dataclass
class Outcome:
    """`state` is "running", "done", "failed", or "unknown" where another process may have done it.
    `why` is as in `Refused` and `ScheduleRefused`, or "away", "gone", "failed"; `detail` is
    English."""

    act: ScheduleAct
    state: str = "running"
    done: int = 0
    why: str = ""
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.state in ("running", "done")


Work = Callable[[ScheduleServer, Outcome], Awaitable[None]]


class ScheduleActs:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._outcomes: dict[str, Outcome] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def outcome(self, act_id: str, schedule: str, person: str) -> Outcome | None:
        found = self._outcomes.get(act_id)
        if found is None or (found.act.schedule, found.act.person) != (schedule, person):
            return None
        return found

    def running(self, schedule: str, kind: Kind) -> Outcome | None:
        return next(
            (
                one
                for one in self._outcomes.values()
                if one.state == "running" and (one.act.schedule, one.act.kind) == (schedule, kind)
            ),
            None,
        )

    async def perform(self, act: ScheduleAct, work: Work) -> Outcome:
        """As far as it is in a few seconds. Raises `StoreError` where it cannot be noted, and has
        then done nothing."""
        if (known := self.outcome(act.id, act.schedule, act.person)) is None:
            known = Outcome(act)
            self._remember(known)
            self._tasks[act.id] = asyncio.create_task(self._do(known, work))
        if task := self._tasks.get(act.id):
            patience = _SECONDS + self._services.patience.total_seconds()
            done, _ = await asyncio.wait([task], timeout=patience)
            for one in done:
                one.result()
        return known

    async def _do(self, outcome: Outcome, work: Work) -> None:
        try:
            if await asyncio.to_thread(self._note, outcome.act):
                await self._work(outcome, work)
            else:
                outcome.state = "unknown"
        except BaseException:
            # Nothing is known of it: the same form may be sent again.
            self._outcomes.pop(outcome.act.id, None)
            raise
        finally:
            self._tasks.pop(outcome.act.id, None)

    async def _work(self, outcome: Outcome, work: Work) -> None:
        try:
            await work(await self.server(), outcome)
            outcome.state = "done"
            return
        except Refused as error:
            outcome.why, outcome.detail = error.why, error.detail
        except ScheduleRefused as error:
            outcome.why = error.why
        except (ServerError, RPCError, TimeoutError) as error:
            outcome.why, outcome.detail = "away", str(error)
        except UsageError as error:
            outcome.why, outcome.detail = "gone", str(error)
        except Exception as error:
            _log.exception("%s of %s", outcome.act.kind, outcome.act.schedule)
            outcome.why, outcome.detail = "failed", type(error).__name__
        outcome.state = "failed"
        await asyncio.to_thread(self._note, outcome.act, outcome)

    async def server(self) -> ScheduleServer:
        """Raises `ServerError` or `TimeoutError`."""
        async with asyncio.timeout(_CONNECT_SECONDS):
            return ScheduleServer(await self._services.temporal.client())

    def _note(self, act: ScheduleAct, failed: Outcome | None = None) -> bool:
        event, source, data = EVENTS[act.kind], f"schedule-act:{act.id}", dict(act.data)
        if failed is not None:
            event, source = "schedule_act_failed", f"{source}:failed"
            data = {"event": EVENTS[act.kind], "why": failed.why, "detail": failed.detail}
        line = AuditLine(
            source=source,
            at=self._services.now(),
            request_id=None,
            event=event,
            actor=act.person,
            channel="console",
            data={"schedule": act.schedule, **data},
        )
        return note(self._services.store, line)

    def _remember(self, outcome: Outcome) -> None:
        self._outcomes[outcome.act.id] = outcome
        for one in [*self._outcomes.values()]:
            if len(self._outcomes) <= _MOST:
                return
            if one.state != "running":
                del self._outcomes[one.act.id]
