"""Local activities: run within the workflow task, recorded as markers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from temporalio import activity
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure, TimeoutFailureInfo
from temporalio.bridge.proto.workflow_commands import (
    ActivityCancellationType,
    RequestCancelLocalActivity,
    ScheduleLocalActivity,
)

from musterwerk.testing.simulator import failures
from musterwerk.testing.simulator.calls import Call, Reply
from musterwerk.testing.simulator.clock import NS, Entry, nanoseconds
from musterwerk.testing.simulator.local_ends import LocalEnd, wrap
from musterwerk.testing.simulator.local_executing import LocalExecution
from musterwerk.testing.simulator.retry import Policy, next_attempt

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

_THRESHOLD = 60 * NS
_TIMED_OUT = activity.ActivityCancellationDetails(timed_out=True)
_NO_TIME = TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE


def schedule(run: Run, given: ScheduleLocalActivity) -> None:
    run.local_activities[given.seq] = LocalActivity(run, given)


def cancel(run: Run, given: RequestCancelLocalActivity) -> None:
    run.local_activities[given.seq].cancel()


class LocalActivity:
    """`busy` while its workflow task has to stay open for it."""

    def __init__(self, run: Run, given: ScheduleLocalActivity) -> None:
        self.busy = True
        self.run = run
        self.given = given
        self.policy = Policy.of(given.retry_policy if given.HasField("retry_policy") else None)
        self.number = given.attempt or 1
        self.occurrence = run.occurrence(given.activity_type)
        self._wf_time = run.open_task.time
        self.scheduled_at = run.now
        if given.HasField("original_schedule_time"):
            self.scheduled_at = given.original_schedule_time.ToNanoseconds()
        self._started_at = 0
        self._told = False
        self._cancel_requested = False
        self._execution: LocalExecution | None = None
        self._waits: list[Entry] = []
        run.open_task.undo(self.give_up)
        self._limit = nanoseconds(given.schedule_to_close_timeout.ToTimedelta())
        if self._limit:
            left = max(0, self.scheduled_at + self._limit - run.now)
            self._later(left, lambda: self._time_out(_NO_TIME))
        self._next: Entry | None = self._later(0, self._queue)

    def cancel(self) -> None:
        """Core asks the function at once. Only for a cancellation that waits does it answer."""
        kind = self.given.cancellation_type
        waits = kind == ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        if kind != ActivityCancellationType.ABANDON:
            self._cancel_requested = True
            if (call := self._call) is not None:
                call.cancel()
            elif self._next is not None:
                # Queued, or between two attempts: nothing is running that could answer.
                self._stop()
                self._resolve(LocalEnd(failure=failures.canceled(), canceled=True))
                return
        if not waits:
            self._resolve(LocalEnd(failure=failures.canceled(), canceled=True))
            if kind == ActivityCancellationType.ABANDON:
                self.busy = False

    def give_up(self) -> None:
        """The task is lost, or the workflow has ended."""
        self._stop()
        self._told = True
        if (call := self._call) is not None:
            call.cancel()

    @property
    def _call(self) -> Call | None:
        return self._execution.call if self._execution is not None else None

    def _stop(self) -> None:
        self.busy = False
        for entry in self._waits:
            entry.call_off()

    def _later(self, delay: int, act: Any) -> Entry:
        entry = self.run.later(delay, act)
        self._waits.append(entry)
        return entry

    def _queue(self) -> None:
        self._next = None
        self._execution = LocalExecution(self)
        self._execution.begin()

    def started(self) -> None:
        """The attempt begins now, and has so much time."""
        given, number = self.given, self.number
        self._started_at = self.run.now
        limit = nanoseconds(given.start_to_close_timeout.ToTimedelta()) or self._limit
        kind = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
        self._later(limit, lambda: self._time_out(kind, number))

    def replied(self, reply: Reply) -> None:
        self._execution = None
        if reply.canceled:
            self._end(failure=failures.canceled(), canceled=True)
        elif reply.failure is not None:
            self._failed(reply.failure, timed_out=False)
        else:
            self._end(result=reply.result)

    def _time_out(self, kind: failures.Timeout, number: int | None = None) -> None:
        if not self.busy or number not in (None, self.number):
            return
        failure = Failure(
            message="Activity timed out", timeout_failure_info=TimeoutFailureInfo(timeout_type=kind)
        )
        call = self._execution.let_go() if self._execution is not None else None
        if kind == _NO_TIME:
            self._end(failure=wrap(self.given, "Local Activity timed out", failure))
        else:
            self._failed(failure, timed_out=True)
        if call is not None:
            call.cancel(_TIMED_OUT)

    def _failed(self, failure: Failure, *, timed_out: bool) -> None:
        pause = None
        if not self._cancel_requested:
            pause, _ = next_attempt(
                self.policy, failure, self.number, now=self.run.now, deadline=None
            )
        seen = wrap(self.given, "Local Activity timed out", failure) if timed_out else failure
        if pause is None:
            self._end(failure=seen)
            return
        given = self.given.local_retry_threshold.ToTimedelta()
        threshold = nanoseconds(given) if self.given.HasField("local_retry_threshold") else 0
        if pause > (threshold or _THRESHOLD):
            self._end(failure=failure, backoff=pause)
            return
        self.number += 1
        self._execution = None
        self._next = self._later(pause, self._queue)

    def _end(self, **outcome: Any) -> None:
        self._stop()
        time = self._wf_time + self.run.now - self._started_at
        self._resolve(LocalEnd(time=time, **outcome))
        if self.run.task is not None:
            self.run.task.go_on()

    def _resolve(self, end: LocalEnd) -> None:
        if self._told:
            return
        self._told = True
        given, run, task = self.given, self.run, self.run.open_task
        if end.time is not None:
            task.time = max(task.time, end.time)
        number, scheduled_at = self.number, self.scheduled_at
        marker = end.marker(given, number, scheduled_at, task.activations)

        def record(completed: int) -> None:
            run.record("marker_recorded", workflow_task_completed_event_id=completed, **marker)

        run.command(record)
        resolved = end.resolution(given, number, scheduled_at)
        run.job(resolve_activity={"seq": given.seq, "result": resolved, "is_local": True})
