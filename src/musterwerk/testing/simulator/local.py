"""Local activities: run within the workflow task, recorded as markers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from temporalio import activity
from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure, TimeoutFailureInfo
from temporalio.bridge.proto.workflow_commands import (
    ActivityCancellationType,
    RequestCancelLocalActivity,
    ScheduleLocalActivity,
)

from musterwerk.testing.simulator import failures, infos
from musterwerk.testing.simulator.calls import Call, Reply
from musterwerk.testing.simulator.clock import NS, Entry, nanoseconds
from musterwerk.testing.simulator.decisions import Attempt, Start, attempt
from musterwerk.testing.simulator.local_ends import LocalEnd, wrap
from musterwerk.testing.simulator.payloads import Converter
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
        self._run = run
        self._given = given
        self._policy = Policy.of(given.retry_policy if given.HasField("retry_policy") else None)
        self._number = given.attempt or 1
        self._occurrence = run.occurrence(given.activity_type)
        self._wf_time = run.open_task.time
        self._scheduled_at = run.now
        if given.HasField("original_schedule_time"):
            self._scheduled_at = given.original_schedule_time.ToNanoseconds()
        self._started_at = 0
        self._told = False
        self._cancel_requested = False
        self._call: Call | None = None
        self._waits: list[Entry] = []
        run.open_task.undo(self.give_up)
        self._limit = nanoseconds(given.schedule_to_close_timeout.ToTimedelta())
        if self._limit:
            left = max(0, self._scheduled_at + self._limit - run.now)
            self._later(left, lambda: self._time_out(_NO_TIME))
        self._next: Entry | None = self._later(0, self._queue)

    def cancel(self) -> None:
        """Core asks the function at once. Only for a cancellation that waits does it answer."""
        kind = self._given.cancellation_type
        waits = kind == ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        if kind != ActivityCancellationType.ABANDON:
            self._cancel_requested = True
            if self._call is not None:
                self._call.cancel()
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
        if self._call is not None:
            self._call.cancel()

    def _stop(self) -> None:
        self.busy = False
        for entry in self._waits:
            entry.call_off()

    def _later(self, delay: int, act: Any) -> Entry:
        entry = self._run.later(delay, act)
        self._waits.append(entry)
        return entry

    def _queue(self) -> None:
        given, run = self._given, self._run
        self._next = None
        run.simulation.activities.find(given.activity_type)
        view = attempt(
            run.workflow_type, run.workflow_id, run.run_id, given.activity_type,
            given.activity_id, self._occurrence, self._number, True, self._policy.attempts,
        )  # fmt: skip
        start = run.simulation.decide("attempt_starts").attempt_starts(view)
        self._started_at = run.now
        limit = nanoseconds(given.start_to_close_timeout.ToTimedelta()) or self._limit
        kind = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE
        number = self._number
        self._later(limit, lambda: self._time_out(kind, number))
        if start.send:
            run.simulation.send(start.send)
        if start.run:
            self._launch_as(start, view)
        elif start.error is not None:
            self._done(view, None, Reply(failure=self._converter().encode_failure(start.error)))

    def _launch_as(self, start: Start, view: Attempt) -> None:
        run = self._run
        if start.held:
            waits = lambda: self.busy and view.number == self._number  # noqa: E731 - with its view
            run.simulation.held.append((view, lambda: self._launch(view), waits))
        elif start.late:
            when = run.now + nanoseconds(start.late)
            run.simulation.agenda.at(when, lambda: self._launch(view))
        else:
            self._launch(view)

    def _launch(self, view: Attempt) -> None:
        function = self._run.simulation.activities.find(self._given.activity_type)
        now, scheduled = self._run.now, self._scheduled_at

        def done(reply: Reply) -> None:
            self._done(view, call, reply)

        info = partial(
            infos.local_info, self._run, self._given, self._policy, view.number, now, scheduled
        )
        call = Call(
            function, info, self._converter(),
            done, self._run.simulation.calls, _ignore,
        )  # fmt: skip
        if view.number == self._number:
            self._call = call
        call.start(self._run.simulation.loop, list(self._given.arguments))
        if not call.finished or self._run.simulation.loop.leaves_work():
            self._run.simulation.took_time = True

    def _done(self, view: Attempt, call: Call | None, reply: Reply) -> None:
        simulation = self._run.simulation
        if call is not None:
            simulation.called(view, call)
        decide = simulation.decide("attempt_ends")
        report = decide.attempt_ends(view, reply.failure is not None)
        if report.send:
            simulation.send(report.send)
        if report.release:
            simulation.release()
        if report.lost or view.number != self._number or not self.busy:
            return
        if report.error is not None:
            reply = Reply(failure=self._converter().encode_failure(report.error))
        if reply.canceled:
            self._end(failure=failures.canceled(), canceled=True)
        elif reply.failure is not None:
            self._failed(reply.failure, timed_out=False)
        else:
            self._end(result=reply.result)

    def _time_out(self, kind: failures.Timeout, number: int | None = None) -> None:
        if not self.busy or number not in (None, self._number):
            return
        failure = Failure(
            message="Activity timed out", timeout_failure_info=TimeoutFailureInfo(timeout_type=kind)
        )
        call, self._call = self._call, None
        if kind == _NO_TIME:
            self._end(failure=wrap(self._given, "Local Activity timed out", failure))
        else:
            self._failed(failure, timed_out=True)
        if call is not None:
            call.cancel(_TIMED_OUT)

    def _failed(self, failure: Failure, *, timed_out: bool) -> None:
        pause = None
        if not self._cancel_requested:
            pause, _ = next_attempt(
                self._policy, failure, self._number, now=self._run.now, deadline=None
            )
        seen = wrap(self._given, "Local Activity timed out", failure) if timed_out else failure
        if pause is None:
            self._end(failure=seen)
            return
        given = self._given.local_retry_threshold.ToTimedelta()
        threshold = nanoseconds(given) if self._given.HasField("local_retry_threshold") else 0
        if pause > (threshold or _THRESHOLD):
            self._end(failure=failure, backoff=pause)
            return
        self._number += 1
        self._call = None
        self._next = self._later(pause, self._queue)

    def _end(self, **outcome: Any) -> None:
        self._stop()
        time = self._wf_time + self._run.now - self._started_at
        self._resolve(LocalEnd(time=time, **outcome))
        if self._run.task is not None:
            self._run.task.go_on()

    def _resolve(self, end: LocalEnd) -> None:
        if self._told:
            return
        self._told = True
        given, run, task = self._given, self._run, self._run.open_task
        if end.time is not None:
            task.time = max(task.time, end.time)
        number, scheduled_at = self._number, self._scheduled_at
        marker = end.marker(given, number, scheduled_at, task.activations)

        def record(completed: int) -> None:
            run.record("marker_recorded", workflow_task_completed_event_id=completed, **marker)

        run.command(record)
        resolved = end.resolution(given, number, scheduled_at)
        run.job(resolve_activity={"seq": given.seq, "result": resolved, "is_local": True})

    def _converter(self) -> Converter:
        return infos.converter(self._run, self._given)


def _ignore(_: Payloads | None) -> None:
    """Local activities do not heartbeat."""
