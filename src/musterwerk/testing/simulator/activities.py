"""Activities as the server keeps them: attempts, timeouts, retries, cancellation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from temporalio.activity import ActivityCancellationDetails
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import RetryState, TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_commands import (
    ActivityCancellationType,
    RequestCancelActivity,
    ScheduleActivity,
)

from musterwerk.testing.simulator import failures
from musterwerk.testing.simulator.attempts import Reply
from musterwerk.testing.simulator.clock import NS, Entry, duration, span
from musterwerk.testing.simulator.executing import Execution
from musterwerk.testing.simulator.retry import Policy, next_attempt
from musterwerk.testing.simulator.tasks import IDENTITY, Command

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

# Core gives up an attempt so long after the server did, if it never heartbeats.
LOCAL_BUFFER = 5 * NS
_TIMED_OUT = ActivityCancellationDetails(not_found=True, timed_out=True)
_CANCELED = ActivityCancellationDetails(cancel_requested=True)


def schedule(run: Run, given: ScheduleActivity) -> None:
    run.activities[given.seq] = ScheduledActivity(run, given)


def cancel(run: Run, given: RequestCancelActivity) -> None:
    run.activities[given.seq].cancel()


_IN_ALL = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE
_QUEUED = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START
_RUNNING = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
_SILENT = TimeoutType.TIMEOUT_TYPE_HEARTBEAT
_RETRIED = (_RUNNING, _SILENT)
_CLOCKS = {
    _IN_ALL: "schedule_to_close",
    _QUEUED: "schedule_to_start",
    _RUNNING: "start_to_close",
    _SILENT: "heartbeat",
}


class Limits(NamedTuple):
    """The timeouts in nanoseconds, with what the server fills in; 0 where there is none."""

    schedule_to_close: int
    schedule_to_start: int
    start_to_close: int
    heartbeat: int

    @classmethod
    def of(cls, given: ScheduleActivity) -> Limits:
        # Most activities have one timeout; to look whether there are others is cheap.
        has = given.HasField
        whole = has("schedule_to_close_timeout") and span(given.schedule_to_close_timeout)
        start = has("schedule_to_start_timeout") and span(given.schedule_to_start_timeout)
        one = has("start_to_close_timeout") and span(given.start_to_close_timeout)
        beat = has("heartbeat_timeout") and span(given.heartbeat_timeout)
        start, one = start or whole, one or whole
        if whole:
            start, one = min(start, whole), min(one, whole)
        return cls(whole, start, one, min(beat, one))


class ScheduledActivity:
    def __init__(self, run: Run, given: ScheduleActivity) -> None:
        self.run = run
        self.given = given
        self.policy = Policy.of(given.retry_policy if given.HasField("retry_policy") else None)
        self.occurrence = 0
        self.number = 1
        self.scheduled_at = 0
        self.attempt_scheduled_at = 0
        self.started_at = 0
        self.heartbeat: Payloads | None = None
        self.cancel_requested = False
        self.limits = Limits.of(given)
        self._sent: Command | None = run.command(self._schedule)
        self._scheduled = 0
        self._cancel_event = 0
        self._told = False
        self._over = False
        self._last_failure: Failure | None = None
        self._execution: Execution | None = None
        self._waits: dict[str, Entry] = {}

    # What the workflow sees of a cancellation: core's part.

    def cancel(self) -> None:
        if self._told:
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
        self._tell(canceled={"failure": self._wrap("Activity cancelled", failures.canceled())})

    def _untell(self) -> None:
        self._told = False

    def _tell(self, **result: Any) -> None:
        """Resolve the activity for the workflow, the first time only."""
        if not self._told:
            self._told = True
            if "canceled" in result:
                result = {"cancelled": result["canceled"]}
            self.run.job(resolve_activity={"seq": self.given.seq, "result": result})

    # What happens on the server.

    def _schedule(self, completed: int) -> None:
        given, run = self.given, self.run
        self._sent = None
        self.scheduled_at = self.attempt_scheduled_at = run.now
        self.occurrence = run.occurrence(given.activity_type)
        limits, policy, queue = self.limits, self.policy, given.task_queue or run.task_queue
        event = partial(_scheduled, given, limits, policy, queue, completed)
        self._scheduled = run.log.add("activity_task_scheduled", run.now, event)
        self._limit(self.limits.schedule_to_close, _IN_ALL)
        self._new_attempt(0)

    def _new_attempt(self, delay: int) -> None:
        self._wait("start", delay, self._queue)

    def _queue(self) -> None:
        self.attempt_scheduled_at = self.run.now
        self._limit(self.limits.schedule_to_start, _QUEUED)
        self._execution = Execution(self)
        self._execution.queue()

    def started(self) -> None:
        """A worker has taken the attempt."""
        self._no_longer("schedule_to_start", "start")
        self.started_at = self.run.now
        self._limit(self.limits.start_to_close, _RUNNING)
        self._limit(self.limits.heartbeat, _SILENT)

    def beat(self, details: Payloads | None) -> None:
        """A heartbeat has reached the server."""
        self.heartbeat = details
        self._limit(self.limits.heartbeat, _SILENT)

    def replied(self, reply: Reply) -> None:
        """The worker has reported."""
        if self._over:
            return
        kind, name = "activity", self.given.activity_type
        if reply.failure is None:
            self.run.deliver(0, kind, name, lambda: self._complete(reply), last=True)
        elif reply.canceled:
            if self.cancel_requested:
                self.run.deliver(0, kind, name, lambda: self._end_canceled(reply), last=True)
            else:
                self._failed(reply.failure)
        else:
            self._failed(reply.failure)

    def _failed(self, failure: Failure) -> None:
        state = self._retry(failure)
        if state != RetryState.RETRY_STATE_IN_PROGRESS:
            name = self.given.activity_type
            end = lambda: self._fail(failure, state)  # noqa: E731 - one line, used once
            self.run.deliver(0, "activity", name, end, last=True)

    def _retry(self, failure: Failure) -> RetryState.ValueType:
        """Schedule another attempt if the policy has one."""
        self._no_longer("start_to_close", "heartbeat", "schedule_to_start")
        if self.cancel_requested:
            return RetryState.RETRY_STATE_CANCEL_REQUESTED
        pause, state = next_attempt(
            self.policy, failure, self.number, now=self.run.now, deadline=self._deadline()
        )
        if pause is not None:
            self._last_failure = failure
            self._execution = None
            self.number += 1
            self._new_attempt(pause)
        return state

    def _deadline(self) -> int | None:
        limit = self.limits.schedule_to_close
        return self.scheduled_at + limit if limit else None

    def _time_out(self, kind: failures.Timeout) -> None:
        """The server's clock has run out for this attempt, or for all of them."""
        if self._over:
            return
        execution = self._execution
        failure = failures.timed_out(kind, self.heartbeat)
        state: RetryState.ValueType = RetryState.RETRY_STATE_TIMEOUT
        if kind in _RETRIED:
            state = self._retry(failure)
        if execution is not None:
            execution.gone(_TIMED_OUT, LOCAL_BUFFER)
        if state == RetryState.RETRY_STATE_IN_PROGRESS:
            return
        if state == RetryState.RETRY_STATE_TIMEOUT and kind != _QUEUED:
            failure = failures.not_enough_time(self.heartbeat)
        if self._last_failure is not None:
            failure.cause.CopyFrom(self._last_failure)
        self.run.deliver(
            0, "activity", self.given.activity_type, lambda: self._end_timed_out(failure, state),
            last=True,
        )  # fmt: skip

    # How it ends, in the history.

    def _close(self) -> dict[str, Any]:
        self._over = True
        self._no_longer(*self._waits)
        started = 0
        execution, self._execution = self._execution, None
        if execution is not None and execution.is_started:
            event = {
                "scheduled_event_id": self._scheduled,
                "identity": IDENTITY,
                "attempt": self.number,
                "last_failure": self._last_failure,
            }
            started = self.run.log.add("activity_task_started", self.started_at, event)
        return {"scheduled_event_id": self._scheduled, "started_event_id": started}

    def _complete(self, reply: Reply) -> None:
        if self._over:
            return
        event = partial(_completed, reply.result, self._close())
        self.run.log.add("activity_task_completed", self.run.now, event)
        self._tell(completed={"result": reply.result})

    def _fail(self, failure: Failure, state: RetryState.ValueType) -> None:
        if self._over:
            return
        ids = self._close()
        event = dict(failure=failure, retry_state=state, identity=IDENTITY, **ids)
        self.run.record("activity_task_failed", **event)
        self._tell(failed={"failure": self._wrap("Activity task failed", failure, state, ids)})

    def _end_timed_out(self, failure: Failure, state: RetryState.ValueType) -> None:
        if self._over:
            return
        ids = self._close()
        self.run.record("activity_task_timed_out", failure=failure, retry_state=state, **ids)
        self._tell(failed={"failure": self._wrap("Activity task timed out", failure, state, ids)})

    def _end_canceled(self, reply: Reply | None) -> None:
        if self._over:
            return
        details: Payloads | None = None
        if reply is not None and reply.failure is not None:
            details = reply.failure.canceled_failure_info.details
        ids = self._close()
        self.run.record(
            "activity_task_canceled",
            details=details,
            latest_cancel_requested_event_id=self._cancel_event,
            identity=IDENTITY,
            **ids,
        )
        cause = failures.canceled(details)
        self._tell(canceled={"failure": self._wrap("Activity cancelled", cause, ids=ids)})

    def _wrap(
        self,
        message: str,
        cause: Failure,
        state: RetryState.ValueType = RetryState.RETRY_STATE_CANCEL_REQUESTED,
        ids: dict[str, int] | None = None,
    ) -> Failure:
        return failures.of_activity(
            message,
            cause,
            activity_type=self.given.activity_type,
            activity_id=self.given.activity_id,
            retry_state=state,
            scheduled=(ids or {}).get("scheduled_event_id", 0),
            started=(ids or {}).get("started_event_id", 0),
            identity=IDENTITY if ids else "",
        )

    def _request_cancel(self, completed: int) -> None:
        """The command has reached the server. Who has not started need not be asked."""
        self._cancel_event = self.run.record(
            "activity_task_cancel_requested",
            scheduled_event_id=self._scheduled,
            workflow_task_completed_event_id=completed,
        )
        if self._over:
            return
        self.cancel_requested = True
        execution = self._execution
        if execution is None or not execution.is_started:
            if execution is not None:
                execution.withdrawn = True
            self._end_canceled(None)
            self.run.simulation.wake(self.run)

    def workflow_closed(self) -> None:
        """Nobody waits any more; whoever runs learns it from a heartbeat, or goes on."""
        self._over = True
        self._no_longer(*self._waits)
        if self._execution is not None and not self._execution.is_started:
            self._execution.withdrawn = True

    @property
    def over(self) -> bool:
        return self._over

    # Clocks.

    def _limit(self, limit: int, kind: failures.Timeout) -> None:
        if limit:
            self._wait(_CLOCKS[kind], limit, lambda: self._time_out(kind))

    def _wait(self, name: str, delay: int, act: Any) -> None:
        self._no_longer(name)
        self._waits[name] = self.run.later(delay, act)

    def _no_longer(self, *names: str) -> None:
        for name in names:
            entry = self._waits.pop(name, None)
            if entry is not None:
                entry.call_off()


def _scheduled(
    given: ScheduleActivity, limits: Limits, policy: Policy, queue: str, completed: int
) -> dict[str, Any]:
    return {
        "activity_id": given.activity_id,
        "activity_type": {"name": given.activity_type},
        "task_queue": {"name": queue},
        "header": {"fields": dict(given.headers)},
        "input": Payloads(payloads=given.arguments) if given.arguments else None,
        "schedule_to_close_timeout": duration(limits.schedule_to_close),
        "schedule_to_start_timeout": duration(limits.schedule_to_start),
        "start_to_close_timeout": duration(limits.start_to_close),
        "heartbeat_timeout": duration(limits.heartbeat),
        "workflow_task_completed_event_id": completed,
        "retry_policy": policy.message(),
    }


def _completed(result: Payload | None, ids: dict[str, Any]) -> dict[str, Any]:
    payloads = Payloads(payloads=[result]) if result is not None else None
    return {"result": payloads, "identity": IDENTITY, **ids}
