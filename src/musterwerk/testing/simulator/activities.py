"""Activities as the server keeps them: attempts, timeouts, retries, cancellation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from temporalio.activity import ActivityCancellationDetails
from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import RetryState
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_commands import (
    ActivityCancellationType,
    RequestCancelActivity,
    ScheduleActivity,
)

from musterwerk.testing.simulator import activity_ends, failures
from musterwerk.testing.simulator.calls import Reply
from musterwerk.testing.simulator.clock import NS
from musterwerk.testing.simulator.executing import Execution
from musterwerk.testing.simulator.limits import IN_ALL, QUEUED, RUNNING, SILENT, Clocks, Limits
from musterwerk.testing.simulator.retry import Policy, next_attempt
from musterwerk.testing.simulator.tasks import Command

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

# Core gives up an attempt so long after the server did, if it never heartbeats.
LOCAL_BUFFER = 5 * NS
_TIMED_OUT = ActivityCancellationDetails(not_found=True, timed_out=True)
_RETRIED = (RUNNING, SILENT)
_CLOCKS = {
    IN_ALL: "schedule_to_close",
    QUEUED: "schedule_to_start",
    RUNNING: "start_to_close",
    SILENT: "heartbeat",
}


def schedule(run: Run, given: ScheduleActivity) -> None:
    run.activities[given.seq] = ScheduledActivity(run, given)


def cancel(run: Run, given: RequestCancelActivity) -> None:
    run.activities[given.seq].cancel()


class ScheduledActivity:
    """`scheduled` is the event that began it; `told` tells whether the workflow knows its end."""

    def __init__(self, run: Run, given: ScheduleActivity) -> None:
        self.run = run
        self.given = given
        self.policy = Policy.of(given.retry_policy if given.HasField("retry_policy") else None)
        self.limits = Limits.of(given)
        self.clocks = Clocks(run)
        self.occurrence = 0
        self.number = 1
        self.scheduled = 0
        self.scheduled_at = 0
        self.attempt_scheduled_at = 0
        self.started_at = 0
        self.heartbeat: Payloads | None = None
        self.last_failure: Failure | None = None
        self.execution: Execution | None = None
        self.cancel_requested = False
        self.told = False
        self.over = False
        self._sent: Command | None = run.command(self._schedule)
        self._cancel_event = 0

    # What the workflow sees of a cancellation: core's part.

    def cancel(self) -> None:
        if self.told:
            return
        kind = self.given.cancellation_type
        if self._sent is not None:
            self._sent.dropped = True
            self._tell_canceled()
        elif kind == ActivityCancellationType.ABANDON:
            self._tell_canceled()
        else:
            self.run.command(self._request_cancel)
            if kind == ActivityCancellationType.TRY_CANCEL:
                self._tell_canceled()

    def _tell_canceled(self) -> None:
        self.run.open_task.undo(self._untell)
        failure = activity_ends.wrap(self, "Activity cancelled", failures.canceled())
        self.tell(cancelled={"failure": failure})

    def _untell(self) -> None:
        self.told = False

    def tell(self, **result: Any) -> None:
        """Resolve the activity for the workflow, the first time only."""
        if not self.told:
            self.told = True
            self.run.job(resolve_activity={"seq": self.given.seq, "result": result})

    # What happens on the server.

    def _schedule(self, completed: int) -> None:
        self._sent = None
        self.scheduled_at = self.attempt_scheduled_at = self.run.now
        self.occurrence = self.run.occurrence(self.given.activity_type)
        self.scheduled = activity_ends.scheduled(self, completed)
        self._limit(self.limits.schedule_to_close, IN_ALL)
        self._new_attempt(0)

    def _new_attempt(self, delay: int) -> None:
        self.clocks.start("start", delay, self._queue)

    def _queue(self) -> None:
        self.attempt_scheduled_at = self.run.now
        self._limit(self.limits.schedule_to_start, QUEUED)
        self.execution = Execution(self)
        self.execution.queue()

    def started(self) -> None:
        """A worker has taken the attempt."""
        self.clocks.stop("schedule_to_start", "start")
        self.started_at = self.run.now
        self._limit(self.limits.start_to_close, RUNNING)
        self._limit(self.limits.heartbeat, SILENT)

    def beat(self, details: Payloads | None) -> None:
        """A heartbeat has reached the server."""
        self.heartbeat = details
        self._limit(self.limits.heartbeat, SILENT)

    def replied(self, reply: Reply, *, hurry: bool) -> None:
        """The worker has reported. With `hurry` another attempt follows at once."""
        if self.over:
            return
        if reply.failure is None:
            self._deliver(partial(activity_ends.complete, self, reply))
        elif reply.canceled and self.cancel_requested:
            self._deliver(lambda: activity_ends.cancel(self, reply, self._cancel_event))
        else:
            self._failed(reply.failure, hurry)

    def expire(self) -> None:
        """Nothing will be heard of this attempt: the first of its timeouts comes now."""
        running = self.clocks.running
        kinds = [kind for kind, name in _CLOCKS.items() if name in running]
        if kinds:
            first = min(kinds, key=lambda kind: running[_CLOCKS[kind]].when)
            self._time_out(first, hurry=True)

    def _failed(self, failure: Failure, hurry: bool) -> None:
        state = self._retry(failure, hurry)
        if state != RetryState.RETRY_STATE_IN_PROGRESS:
            self._deliver(partial(activity_ends.fail, self, failure, state))

    def _deliver(self, end: Any) -> None:
        self.run.deliver(0, "activity", self.given.activity_type, end, last=True)

    def _retry(self, failure: Failure, hurry: bool) -> RetryState.ValueType:
        """Schedule another attempt if the policy has one."""
        self.clocks.stop("start_to_close", "heartbeat", "schedule_to_start")
        if self.cancel_requested:
            return RetryState.RETRY_STATE_CANCEL_REQUESTED
        limit = self.limits.schedule_to_close
        deadline = self.scheduled_at + limit if limit else None
        pause, state = next_attempt(
            self.policy, failure, self.number, now=self.run.now, deadline=deadline
        )
        if pause is not None:
            self.last_failure = failure
            self.execution = None
            self.number += 1
            self._new_attempt(0 if hurry else pause)
        return state

    def _limit(self, limit: int, kind: failures.Timeout) -> None:
        if limit:
            self.clocks.start(_CLOCKS[kind], limit, lambda: self._time_out(kind))

    def _time_out(self, kind: failures.Timeout, *, hurry: bool = False) -> None:
        """The server's clock has run out for this attempt, or for all of them."""
        if self.over:
            return
        execution = self.execution
        failure = failures.timed_out(kind, self.heartbeat)
        state: RetryState.ValueType = RetryState.RETRY_STATE_TIMEOUT
        if kind in _RETRIED:
            state = self._retry(failure, hurry)
        if execution is not None:
            execution.gone(_TIMED_OUT, LOCAL_BUFFER)
        if state == RetryState.RETRY_STATE_IN_PROGRESS:
            return
        if state == RetryState.RETRY_STATE_TIMEOUT and kind != QUEUED:
            failure = failures.not_enough_time(self.heartbeat)
        if self.last_failure is not None:
            failure.cause.CopyFrom(self.last_failure)
        self._deliver(partial(activity_ends.time_out, self, failure, state))

    def _request_cancel(self, completed: int) -> None:
        """The command has reached the server. Who has not started need not be asked."""
        self._cancel_event = self.run.record(
            "activity_task_cancel_requested",
            scheduled_event_id=self.scheduled,
            workflow_task_completed_event_id=completed,
        )
        if self.over:
            return
        self.cancel_requested = True
        execution = self.execution
        if execution is None or not execution.is_started:
            if execution is not None:
                execution.withdrawn = True
            activity_ends.cancel(self, None, self._cancel_event)
            self.run.simulation.wake(self.run)

    def close(self) -> bool:
        """It is over, and lets go of its last attempt; true if that was started."""
        self.over = True
        self.clocks.stop_all()
        execution, self.execution = self.execution, None
        return execution is not None and execution.is_started

    def workflow_closed(self) -> None:
        """Nobody waits any more; whoever runs learns it from a heartbeat, or goes on."""
        self.over = True
        self.clocks.stop_all()
        if self.execution is not None and not self.execution.is_started:
            self.execution.withdrawn = True
