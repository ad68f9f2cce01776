"""What the examples of schedules have in common: `schedules.toml` on a server, and its runs.

Whatever a command of `musterwerk schedules` does, from Python.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from musterwerk import schedules
from musterwerk.schedules import Schedule, control
from musterwerk.schedules.backfilling import do_backfill, make_backfill
from musterwerk.schedules.declaring import read_declaration
from musterwerk.schedules.server import Described, ScheduleServer

FILE = Path(__file__).with_name("schedules.toml")
_LOOK_EVERY, _BEGINS_WITHIN = 0.02, 15.0
R = TypeVar("R")


def declared(name: str, **changed: Any) -> Schedule:
    """The one of this name; `changed` are fields that differ."""
    (found,) = (one for one in read_declaration(str(FILE)).schedules if one.name == name)
    return found.model_copy(update=changed)


@dataclass
class Clock:
    client: Client

    @property
    def server(self) -> ScheduleServer:
        return ScheduleServer(self.client)

    async def apply(self, *several: Schedule) -> None:
        await schedules.apply(self.client, *several, set_name="examples")

    async def trigger(self, schedule: Schedule, result: type[R]) -> WorkflowHandle[Any, R]:
        """Start one run now, and say which it is."""
        before = await self._runs(schedule)
        await control.trigger(self.server, schedule.name)
        async with asyncio.timeout(_BEGINS_WITHIN):
            while await self._runs(schedule) == before:  # noqa: ASYNC110 - a server
                await asyncio.sleep(_LOOK_EVERY)
        run = (await self._found(schedule)).info.recent_actions[-1].start_workflow_result
        return self.client.get_workflow_handle(
            run.workflow_id, run_id=run.run_id, result_type=result
        )

    async def backfill(
        self,
        schedule: Schedule,
        start: datetime,
        end: datetime,
        result: type[R],
        *,
        again: bool = False,
    ) -> list[R]:
        """Start what was due and has no run, or `again` all, and wait for the results."""
        plan = await make_backfill(self.server, schedule.name, start, end, only_missing=not again)
        runs = [self.run_of(schedule, due, result) for due in plan.missing]
        before = [await _run_id(run) for run in runs]
        await do_backfill(self.server, plan)
        async with asyncio.timeout(_BEGINS_WITHIN):
            for run, old in zip(runs, before, strict=True):
                while await _run_id(run) == old:  # noqa: ASYNC110 - a server
                    await asyncio.sleep(_LOOK_EVERY)
        return [await run.result() for run in runs]

    def run_of(self, schedule: Schedule, due: datetime, result: type[R]) -> WorkflowHandle[Any, R]:
        """The last one for this due time, which is part of its workflow's id."""
        return self.client.get_workflow_handle(
            f"{schedule.id or schedule.name}-{due:%Y-%m-%dT%H:%M:%SZ}", result_type=result
        )

    async def _runs(self, schedule: Schedule) -> int:
        return (await self._found(schedule)).info.action_count

    async def _found(self, schedule: Schedule) -> Described:
        found = await self.server.describe(schedule.name)
        assert found is not None  # noqa: S101 - it has been applied
        return found


async def _run_id(handle: WorkflowHandle[Any, Any]) -> str | None:
    try:
        return (await handle.describe()).run_id
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
