"""`musterwerk.DeadLetter`: the life of one letter outside of the saga that wrote it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from musterwerk.saga.letter import SETTLED, WORKFLOW, Letter, Settlement
from musterwerk.saga.letterbox.model import (
    ALERT,
    NOTE,
    OWNER,
    PLAN,
    RECORD,
    SETTLE,
    Plan,
    Sent,
)

#: For an owner that has ended: its last word may still be on the way.
_LAST_WORD = timedelta(minutes=1)
_LIMIT = timedelta(seconds=60)

#: Without end: a database or mail server that is away for days must lose nothing.
_FOR_EVER = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)
)


@workflow.defn(name=WORKFLOW)
class DeadLetterWorkflow:
    """Records the letter, alerts people, waits until it is settled, and records how.

    Recording and alerting do not wait for each other. A letter that is settled before somebody
    could be alerted is not told any more. `alerted` is for the workflow itself, which continues
    as new when a letter stays open for months.
    """

    def __init__(self) -> None:
        self._settlement: Settlement | None = None

    @workflow.signal(name=SETTLED)
    def settled(self, given: dict[str, Any]) -> None:
        try:
            settlement = Settlement.read(given)
        except ApplicationError as error:
            workflow.logger.error("ignored a signal %s: %s", SETTLED, error.message)
            return
        self._settlement = self._settlement or settlement

    @workflow.run
    async def run(self, given: dict[str, Any], alerted: bool = False) -> None:
        letter = Letter.read(given)
        recording = asyncio.create_task(_do(RECORD, letter))
        plan: Plan = await _do(PLAN, result_type=Plan)
        sending = [_send(letter, target) for target in plan.targets if not alerted]
        alerts = [asyncio.create_task(_noted(send)) for send in sending]
        while not await self._told(timedelta(seconds=plan.check_seconds)):
            self._settlement = await self._of_a_lost_owner(letter)
            busy = self._settlement or not all(task.done() for task in (recording, *alerts))
            if not busy and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[given, True])
        for send in sending:
            send.cancel()
        await recording
        await _do(SETTLE, letter, self._settlement)
        await asyncio.gather(*alerts)

    async def _told(self, patience: timedelta) -> bool:
        try:
            await workflow.wait_condition(
                lambda: self._settlement is not None,
                timeout=patience,
                timeout_summary="next look after the owner",
            )
        except TimeoutError:
            return False
        return True

    async def _of_a_lost_owner(self, letter: Letter) -> Settlement | None:
        """Its end, if the owning workflow has ended without a word."""
        found: Settlement | None = await _do(OWNER, letter, result_type=Settlement)
        if found is None or await self._told(_LAST_WORD):
            return self._settlement
        return found


def _send(letter: Letter, target: str) -> asyncio.Task[Any]:
    return workflow.start_activity(
        ALERT,
        args=[letter, target],
        result_type=Sent,
        start_to_close_timeout=_LIMIT,
        retry_policy=_FOR_EVER,
        # An attempt that is under way when the letter is settled may still send: then we know.
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


async def _noted(send: asyncio.Task[Any]) -> None:
    try:
        sent: Sent | None = await send
    except ActivityError:
        return  # cancelled: the letter was settled first
    if sent is not None and not sent.noted:
        await _do(NOTE, sent)


async def _do(activity: str, *args: Any, result_type: Any = None) -> Any:
    return await workflow.execute_activity(
        activity,
        args=args,
        result_type=result_type,
        start_to_close_timeout=_LIMIT,
        retry_policy=_FOR_EVER,
    )
