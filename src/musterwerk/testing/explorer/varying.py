"""What a workflow cannot see is varied without running it again: when a zombie's effect lands."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio.api.failure.v1 import Failure

from musterwerk.testing.explorer.course import Course, Process, Violation, check
from musterwerk.testing.explorer.deciding import Landing
from musterwerk.testing.simulator.attempts import CallSeen, Reply
from musterwerk.testing.simulator.decisions import Attempt, Task
from musterwerk.testing.simulator.worker import Activities
from musterwerk.testing.worlds import activities_of


def holds_elsewhere(process: Process, course: Course, landing: Landing) -> bool:
    """Whether all holds where the zombie of a run lands there, and the workflow would not know.

    The calls of the run are made again in a new world, in the new order. Everybody who is waited
    for has to answer as before, so that the workflow would have gone the same way. False wherever
    that cannot be told: then it has to run.
    """
    outcome = course.outcome
    if outcome is None or not landing.unheard or len(course.zombies) != 1:
        return False
    (zombie,) = course.zombies
    calls = {one.attempt: one for one in outcome.calls}
    if not {zombie, landing.after} <= calls.keys():
        return False
    order = _order(course, zombie, landing)
    found: list[Violation] = []
    random.seed(process.asked.seed)
    with process.asked.world() as world:
        late = replace(calls[zombie], when=calls[landing.after].when)
        made = _made(process, world, order, calls, late, found)
        if made is None:
            return False
        after = replace(outcome, calls=made)
        if not found:
            check(process.asked.invariants, world, after, found)
    return not found


def _order(course: Course, zombie: Attempt, landing: Landing) -> list[Attempt | Task]:
    order: list[Attempt | Task] = []
    for entry in course.journal:
        if isinstance(entry, Attempt | Task) and entry != zombie:
            order.append(entry)
        if entry == landing.after:
            order.append(zombie)
    return order


def _made(
    process: Process,
    world: Any,
    order: Sequence[Attempt | Task],
    calls: dict[Attempt, CallSeen],
    late: CallSeen,
    found: list[Violation],
) -> list[CallSeen] | None:
    """The calls as they then went; None as soon as one that is waited for answers otherwise."""
    made: list[CallSeen] = []
    activities = Activities(activities_of(world))
    for entry in order:
        if isinstance(entry, Task):
            if process.asked.always and not found:
                check(process.asked.always, world, None, found)
        elif entry in calls:
            seen = late if entry == late.attempt else calls[entry]
            call = process.simulator.again(seen, activities)
            if call is None or not (seen is late or _same(call.reply, seen.reply)):
                return None
            made.append(replace(seen, result=call.result, error=call.error))
    return made


def _same(reply: Reply | None, before: Reply | None) -> bool:
    if reply is None or before is None:
        return False
    return (reply.result, reply.canceled, _told(reply.failure)) == (
        *(before.result, before.canceled),
        _told(before.failure),
    )


def _told(failure: Failure | None) -> Failure | None:
    """Without the lines of code that it came by."""
    if failure is None:
        return None
    told = Failure()
    told.CopyFrom(failure)
    one = told
    while True:
        one.stack_trace = ""
        if not one.HasField("cause"):
            return told
        one = one.cause
