"""The only I/O of the letterbox: its database, the alerts, and Temporal's word on the owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import Client

from musterwerk.errors import AlertError, StoreError
from musterwerk.notify import Settings
from musterwerk.saga.letter import Letter, Resolution, Settlement
from musterwerk.saga.letterbox import model, owners, wording
from musterwerk.saga.letterbox.model import Plan, Sent
from musterwerk.store import DeadLetterTable, LetterRow

_SEND_SECONDS = 20.0


class LetterboxActivities:
    """Each raises while its other side is away, and is then tried again by the workflow."""

    def __init__(
        self,
        client: Client,
        table: DeadLetterTable,
        settings: Settings,
        *,
        check_every: timedelta = timedelta(hours=1),
    ) -> None:
        self._client = client
        self._table = table
        self._settings = settings
        self._targets = {target.name: target for target in settings.targets}
        self._check_every = check_every

    def all(self) -> list[Callable[..., Any]]:
        return [self.plan, self.record, self.settle, self.alert, self.note, self.owner]

    @activity.defn(name=model.PLAN)
    async def plan(self) -> Plan:
        return Plan(list(self._targets), self._check_every.total_seconds())

    @activity.defn(name=model.RECORD)
    async def record(self, letter: Letter) -> None:
        await asyncio.to_thread(self._table.record, _row(letter))

    @activity.defn(name=model.SETTLE)
    async def settle(self, letter: Letter, settlement: Settlement) -> None:
        await asyncio.to_thread(self._table.settle, _row(letter, settlement))

    @activity.defn(name=model.ALERT)
    async def alert(self, letter: Letter, name: str) -> Sent | None:
        """Tell one target, unless it is on record that it was told; None if it is no more."""
        target = self._targets.get(name)
        if target is None:
            activity.logger.warning("not alerted: %s is no longer configured", name)
            return None
        if before := await self._sent_at(letter.id, name):
            return Sent(letter.id, name, before.isoformat(), noted=True)
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await target.send(wording.alert(letter, self._settings.language))
        except TimeoutError as error:
            raise AlertError(f"{name} did not answer within {_SEND_SECONDS:g} s") from error
        # From here to the end of this activity a crash makes the alert go out once more.
        sent = Sent(letter.id, name, datetime.now(UTC).isoformat(), noted=True)
        try:
            await self.note(sent)
        except StoreError as error:
            activity.logger.warning("alerted %s, to be noted later: %s", name, error)
            return Sent(sent.letter_id, sent.target, sent.at, noted=False)
        return sent

    @activity.defn(name=model.NOTE)
    async def note(self, sent: Sent) -> None:
        at = datetime.fromisoformat(sent.at)
        await asyncio.to_thread(self._table.mark_sent, sent.letter_id, sent.target, at)

    @activity.defn(name=model.OWNER)
    async def owner(self, letter: Letter) -> Settlement | None:
        return await owners.ended(self._client, letter)

    async def _sent_at(self, letter_id: str, target: str) -> datetime | None:
        try:
            return await asyncio.to_thread(self._table.sent_at, letter_id, target)
        except StoreError:
            return None  # people are told all the same


def _row(letter: Letter, settlement: Settlement | None = None) -> LetterRow:
    row: dict[str, Any] = letter.as_json() | {"since": datetime.fromisoformat(letter.since)}
    del row["retried"]
    if settlement is not None:
        row |= {
            "attempts": settlement.attempts,
            "error": settlement.error,
            "settled_at": datetime.fromisoformat(settlement.settled_at),
            **_how(settlement.resolution),
        }
    return LetterRow(**row)


def _how(resolution: Resolution | None) -> dict[str, Any]:
    if resolution is None:
        return {}
    return {
        "action": resolution.action,
        "resolved_by": resolution.by,
        "reason": resolution.reason,
        "resolved_at": datetime.fromisoformat(resolution.at),
    }
