"""The reconciliation in the demo: every few seconds, and once more when all is done."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleOverlapPolicy,
)

from musterwerk import schedules
from musterwerk.shop.reconciliation import result_of, schedule
from musterwerk.shop.reconciling import Reconciliation

_EVERY = "3s"
_SET = "shop"
_LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Reconciled:
    """`runs` is how many there were; `last` is what the last one found, on settled books."""

    runs: int
    last: Reconciliation

    def violations(self) -> list[str]:
        return [f"Order {one.order_id} {one.words}." for one in self.last.discrepancies]

    def figures(self) -> dict[str, int]:
        last = self.last
        return {"runs": self.runs, "orders": last.orders, "discrepancies": last.found}


class Reconciler:
    def __init__(self, client: Client, task_queue: str, suffix: str) -> None:
        self._client = client
        self._declared = schedule(schedules.every(_EVERY), suffix=suffix, task_queue=task_queue)
        self._set = _SET + suffix

    async def begin(self) -> None:
        await schedules.apply(self._client, self._declared, set_name=self._set)

    async def end(self) -> Reconciled:
        """One more run, begun now; then no more. Raises what else it fails by."""
        handle, now = self._client.get_schedule_handle(self._declared.name), datetime.now(UTC)
        await handle.pause(note="the demo is over")
        await handle.trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
        while True:
            info = (await handle.describe()).info
            last = info.recent_actions[-1] if info.recent_actions else None
            if last is not None and last.started_at >= now:
                break
            await asyncio.sleep(_LOOK_EVERY)
        assert isinstance(last.action, ScheduleActionExecutionStartWorkflow)  # noqa: S101
        handle_of_run = self._client.get_workflow_handle(last.action.workflow_id)
        found = await result_of(handle_of_run)
        await handle.delete()
        return Reconciled(info.num_actions, found)
