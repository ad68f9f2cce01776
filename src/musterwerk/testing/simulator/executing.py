"""One attempt of an activity in the worker: started as decided, heard of as decided."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from temporalio import activity
from temporalio.api.common.v1 import Payloads

from musterwerk.testing.simulator import infos
from musterwerk.testing.simulator.calls import Call, Reply
from musterwerk.testing.simulator.clock import NS, Entry, nanoseconds
from musterwerk.testing.simulator.decisions import Start, attempt
from musterwerk.testing.simulator.payloads import Converter

if TYPE_CHECKING:
    from musterwerk.testing.simulator.activities import ScheduledActivity

_NOT_FOUND = activity.ActivityCancellationDetails(not_found=True)
_CANCELED = activity.ActivityCancellationDetails(cancel_requested=True)
# Core sends heartbeats not more often than at 80 % of their timeout, or every 30 s without one.
_THROTTLE = 30 * NS
_THROTTLE_AT_MOST = 60 * NS


class Execution:
    def __init__(self, of: ScheduledActivity) -> None:
        self._of = of
        self._run = of.run
        self._simulation = of.run.simulation
        given, run = of.given, of.run
        self.is_started = False
        self.withdrawn = False
        self._number = of.number
        self._call: Call | None = None
        self._pending: Payloads | None = None
        self._pending_entry: Entry | None = None
        self._next_beat = 0
        self._hurry = False
        self._view = attempt(
            run.workflow_type, run.workflow_id, run.run_id, given.activity_type,
            given.activity_id, of.occurrence, of.number, False, of.policy.attempts,
        )  # fmt: skip

    @property
    def current(self) -> bool:
        """Whether the server still waits for this attempt."""
        return not self._of.over and self._of.number == self._number

    def queue(self) -> None:
        self._simulation.activities.find(self._of.given.activity_type)
        start = self._simulation.decide("attempt_starts").attempt_starts(self._view)
        if start.queued:
            self._run.later(nanoseconds(start.queued), lambda: self._start(start))
        else:
            self._start(start)

    def _start(self, start: Start) -> None:
        if self.withdrawn or not self.current:
            return
        self.is_started = True
        self._of.started()
        self._hurry = start.hurry
        if start.send:
            self._simulation.send(start.send)
        if start.hurry and start.error is None:
            self._simulation.agenda.at(self._run.now, self._expire)
        if not start.run:
            if start.error is not None:
                self._done(Reply(failure=self._converter().encode_failure(start.error)))
            return
        if start.held:
            self._simulation.held.append((self._view, self._launch, lambda: self.current))
        elif start.late or start.send:
            # Behind the back of everything: also when the workflow is closed by then.
            when = self._run.now + nanoseconds(start.late)
            self._simulation.agenda.at(when, self._launch)
        else:
            self._launch()

    def _launch(self) -> None:
        given = self._of.given
        function = self._simulation.activities.find(given.activity_type)
        converter = self._converter()
        heartbeat = (
            converter.decode(self._of.heartbeat.payloads, None) if self._of.heartbeat else []
        )
        scheduled, started = self._of.attempt_scheduled_at, self._run.now
        info = partial(infos.info, self._of, self._number, heartbeat, scheduled, started)
        self._call = Call(function, info, converter, self._done, self._simulation.calls, self._beat)
        self._call.start(self._simulation.loop, list(given.arguments))
        if not self._call.finished or self._simulation.loop.leaves_work():
            self._simulation.took_time = True

    def _done(self, reply: Reply) -> None:
        view, simulation = self._view, self._simulation
        if self._call is not None:
            simulation.called(view, self._call)
        report = simulation.decide("attempt_ends").attempt_ends(view, reply.failure is not None)
        if report.send:
            simulation.send(report.send)
        if report.release:
            simulation.release()
        self._hurry = self._hurry or report.hurry
        if report.lost and report.hurry:
            self._expire()
        if report.lost or not self.current:
            return
        if report.error is not None:
            reply = Reply(failure=self._converter().encode_failure(report.error))
        if self._pending_entry is not None:
            self._pending_entry.call_off()
            self._of.heartbeat = self._pending
        self._of.replied(reply, hurry=self._hurry)

    def _expire(self) -> None:
        if self.current:
            self._of.expire()

    def gone(self, details: activity.ActivityCancellationDetails, after: int) -> None:
        """The server has given this attempt up. Core tells the function somewhat later."""
        call = self._call
        if call is not None and not call.finished:
            when = self._run.now + after
            self._simulation.agenda.at(when, lambda: call.cancel(details))

    def _beat(self, details: Payloads | None) -> None:
        now = self._run.now
        self._pending = details
        if now >= self._next_beat:
            self._send()
        elif self._pending_entry is None:
            self._pending_entry = self._simulation.agenda.at(self._next_beat, self._send)

    def _send(self) -> None:
        if self._call is None or self._call.finished:
            return
        self._pending_entry = None
        self._next_beat = self._run.now + self._throttle()
        if not self.current:
            self._call.cancel(_NOT_FOUND)
            return
        self._of.beat(self._pending)
        if self._of.cancel_requested:
            self._call.cancel(_CANCELED)

    def _throttle(self) -> int:
        limit = self._of.limits.heartbeat
        return min(limit * 8 // 10 if limit else _THROTTLE, _THROTTLE_AT_MOST)

    def _converter(self) -> Converter:
        return infos.converter(self._run, self._of.given)
