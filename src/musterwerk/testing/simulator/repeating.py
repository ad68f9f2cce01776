"""A call of a run that is over, made again with the activities of another world."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import dataclasses

from temporalio.api.common.v1 import Payloads

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator.calls import Call, nobody
from musterwerk.testing.simulator.clock import clock_time
from musterwerk.testing.simulator.functions import Activities
from musterwerk.testing.simulator.infos import task_token
from musterwerk.testing.simulator.loop import VirtualLoop
from musterwerk.testing.simulator.outcome import CallSeen


def again(seen: CallSeen, activities: Activities, loop: VirtualLoop) -> Call | None:
    """Begun at the time and as the attempt that `seen` says.

    None where it does not end at once, or does what depends on who listens.
    """
    first = seen._call
    if first is None:
        return None
    function = activities.find(seen.attempt.activity_type)
    loop.now = clock_time(seen.when)
    before, attempt = first.info, seen.attempt.number
    token = task_token(before.workflow_run_id or "", before.activity_id, attempt)
    info = dataclasses.replace(before, started_time=seen.when, attempt=attempt, task_token=token)
    call = Call(function, lambda: info, first.converter, nobody, set(), _heard)
    try:
        call.start(loop, first.payloads)
    except SimulationError:
        return None
    if loop.leaves_work() or not call.finished:
        # It set something going, which the run itself would have waited for.
        call.abandon()
        loop.clear()
        return None
    return None if isinstance(call.error, _Heard) else call


class _Heard(BaseException):
    """A heartbeat, which somebody may answer."""


def _heard(_: Payloads | None) -> None:
    raise _Heard
