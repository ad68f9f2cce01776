"""What a workflow cannot see is varied without running it again: when a zombie's effect lands."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio.api.failure.v1 import Failure

from musterwerk.testing.explorer.course import Course, Process, Violation, check
from musterwerk.testing.explorer.landings import Landing
from musterwerk.testing.explorer.merging import Watched
from musterwerk.testing.simulator.calls import Reply
from musterwerk.testing.simulator.decisions import Attempt, Task
from musterwerk.testing.simulator.functions import Activities
from musterwerk.testing.simulator.outcome import CallSeen, Outcome
from musterwerk.testing.worlds import activities_of


def holds_elsewhere(process: Process, course: Course, landing: Landing) -> bool:
    """Whether all holds where the zombie of a run lands there, and the workflow would not know.

    The calls of the run are made again in a new world, in the new order. Everybody who is waited
    for has to answer as before, so that the workflow would have gone the same way. False wherever
    that cannot be told: then it has to run.
    """
    if course.outcome is None or course.took_time or not landing.unheard:
        return False
    if len(course.zombies) != 1:
        return False
    (zombie,) = course.zombies
    calls = {one.attempt: one for one in course.outcome.calls}
    if not {zombie, landing.after} <= calls.keys():
        return False
    late = replace(calls[zombie], when=calls[landing.after].when)
    order: list[CallSeen | Task] = []
    for entry in course.journal:
        if isinstance(entry, Task):
            order.append(entry)
        elif isinstance(entry, Attempt) and entry != zombie and entry in calls:
            order.append(calls[entry])
        if entry == landing.after:
            order.append(late)
    after = in_the_world(process, course.outcome, order, unheard=late)
    return after is not None


def in_the_world(
    process: Process, outcome: Outcome, order: Sequence[CallSeen | Task], *, unheard: CallSeen
) -> Watched | None:
    """The outcome after these calls, if everybody but the one answers as before and all holds."""
    found: list[Violation] = []
    random.seed(process.asked.seed)
    with process.asked.world() as world:
        made = _made(process, world, order, unheard, found)
        if made is None or found:
            return None
        after = Watched.of(replace(outcome, calls=made))
        check(process.asked.invariants, world, after, found)
    return None if found else after


def _made(
    process: Process,
    world: Any,
    order: Sequence[CallSeen | Task],
    unheard: CallSeen,
    found: list[Violation],
) -> list[CallSeen] | None:
    """The calls as they then went; None as soon as one that is waited for answers otherwise."""
    made: list[CallSeen] = []
    activities = Activities(activities_of(world))
    for entry in order:
        if isinstance(entry, Task):
            if process.asked.always and not found:
                check(process.asked.always, world, None, found)
            continue
        call = process.simulator.again(entry, activities)
        if call is None or not (entry is unheard or _same(call.reply, entry.reply)):
            return None
        made.append(replace(entry, result=call.result, error=call.error))
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
