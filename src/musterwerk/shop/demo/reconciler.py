"""The reconciliation in the demo: every few seconds, and once more when all is done."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleOverlapPolicy,
)

from musterwerk import schedules
from musterwerk.shop.reconciliation import result_of, schedule
from musterwerk.shop.reconciling import Reconciliation

_EVERY = "3s"
_SET = "shop"
_LOOK_EVERY = 0.05
#: So often before it is triggered again, in another second.
_LOOKS = 30
#: Seconds for the last run, services that recover from an outage included.
_WITHIN = 120.0

#: Workflow id and run id.
_Run = tuple[str, str]


@dataclass(frozen=True)
class Reconciled:
    """`runs` is how many there were; `last` is what the last one found, on settled books, or None
    where it did not end in time."""

    runs: int
    last: Reconciliation | None

    def violations(self) -> list[str]:
        if self.last is None:
            return [f"The last reconciliation did not end within {_WITHIN:g} s."]
        return [f"Order {one.order_id} {one.words}." for one in self.last.discrepancies]

    def figures(self) -> dict[str, int]:
        last = self.last or Reconciliation()
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
        handle = self._client.get_schedule_handle(self._declared.name)
        before = last_run(await handle.describe())
        await handle.pause(note="the demo is over")
        found = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WITHIN):
                workflow_id, run_id = await another_run(handle, before)
                run = self._client.get_workflow_handle(workflow_id, run_id=run_id)
                found = await result_of(run)
        runs = (await handle.describe()).info.num_actions
        await handle.delete()
        return Reconciled(runs, found)


async def another_run(handle: ScheduleHandle, before: _Run | None) -> _Run:
    """Told apart by its ids and not by its time: the server may be another machine. Runs are named
    by the second, so a trigger is lost while a run of the same second goes on."""
    while True:
        await handle.trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)
        for _ in range(_LOOKS):
            last = last_run(await handle.describe())
            if last is not None and last != before:
                return last
            await asyncio.sleep(_LOOK_EVERY)


def last_run(about: ScheduleDescription) -> _Run | None:
    if not about.info.recent_actions:
        return None
    action = about.info.recent_actions[-1].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)  # noqa: S101
    return action.workflow_id, action.first_execution_run_id
