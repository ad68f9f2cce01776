"""What a workflow cannot see: an attempt that fails, in a hurry, and the next one that succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from temporalio.api.common.v1 import RetryPolicy
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure

from musterwerk.testing.explorer.course import Course, Process
from musterwerk.testing.explorer.faults import AT_THE_END, OFTEN, Fault, Kind
from musterwerk.testing.explorer.varying import in_the_world
from musterwerk.testing.simulator import failures
from musterwerk.testing.simulator.clock import clock_time
from musterwerk.testing.simulator.decisions import Attempt, Task
from musterwerk.testing.simulator.outcome import CallSeen, Outcome
from musterwerk.testing.simulator.retry import Policy, next_attempt

_ONCE: tuple[Kind, ...] = ("error before the effect", "timeout without effect")
_TWICE: tuple[Kind, ...] = (
    "error after the effect",
    "timeout with effect",
)
_ERROR = Failure(application_failure_info=ApplicationFailureInfo(type="Injected"))
_TIMEOUT = failures.timed_out(TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE)


def holds_anyway(process: Process, course: Course, fault: Fault) -> bool:
    """Whether all holds if this fault happens to a run as well, and the workflow would not know.

    That is so where another attempt follows at once, nothing else is under way meanwhile, and the
    calls, made again in a new world with those attempts, answer as before. False wherever that
    cannot be told: then it has to run.
    """
    failed = OFTEN if fault.kind == "fails often" else 1
    if not process.asked.hurry or fault.kind not in (*_ONCE, *_TWICE, "fails often"):
        return False
    attempt = course.lonely.get((fault.workflow, fault.step, fault.occurrence, fault.attempt))
    if course.outcome is None or course.took_time:
        return False
    if any(one.kind == "zombie" and one.detail == AT_THE_END for one in course.faults):
        return False  # it could land after one of the attempts
    if attempt is None or not _between_tasks(course, attempt):
        return False
    calls = {one.attempt: one for one in course.outcome.calls}
    seen = calls.get(attempt)
    if seen is None or not _is_tried_again(seen, fault, failed, course.outcome):
        return False
    again = replace(seen, attempt=replace(attempt, number=attempt.number + failed))
    order: list[CallSeen | Task] = []
    for entry in course.journal:
        if entry == attempt:
            order += [seen, again] if fault.kind in _TWICE else [again]
        elif isinstance(entry, Task):
            order.append(entry)
        elif isinstance(entry, Attempt) and entry in calls:
            order.append(calls[entry])
    after = in_the_world(process, course.outcome, order, unheard=seen)
    # A history would tell of the attempts.
    return after is not None and after.looked <= {"calls"}


def _between_tasks(course: Course, attempt: Attempt) -> bool:
    """Whether it is all that happens between two tasks of its run."""
    journal: Sequence[object] = [one for one in course.journal if not isinstance(one, Fault)]
    at = journal.index(attempt)
    around = (*journal[at - 1 : at], *journal[at + 1 : at + 2])
    return len(around) == 2 and all(
        isinstance(one, Task) and one.run_id == attempt.run_id for one in around
    )


def _is_tried_again(seen: CallSeen, fault: Fault, failed: int, outcome: Outcome) -> bool:
    """As the server decides it, for each of the attempts that fail."""
    info = seen.info
    run = next(one for one in outcome.runs if one.run_id == seen.attempt.run_id)
    if info is None or "activity_task_cancel_requested" in run.events:
        return False
    given = RetryPolicy()
    if info.retry_policy is not None:
        info.retry_policy.apply_to_proto(given)
    policy, now = Policy.of(given), clock_time(seen.when)
    failure = _TIMEOUT if fault.kind.startswith("timeout") else _ERROR
    limit = info.schedule_to_close_timeout
    if limit and failure is _TIMEOUT:
        # Which of its timeouts comes first, and whether that one is retried, is the server's.
        return False
    deadline = clock_time(info.scheduled_time + limit) if limit else None
    numbers = range(seen.attempt.number, seen.attempt.number + failed)
    pauses = [next_attempt(policy, failure, one, now=now, deadline=deadline)[0] for one in numbers]
    return None not in pauses
