"""One attempt of a local activity in the worker: started as decided, heard of as decided."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payloads

from musterwerk.testing.simulator import infos
from musterwerk.testing.simulator.calls import Call, Reply
from musterwerk.testing.simulator.clock import nanoseconds
from musterwerk.testing.simulator.decisions import Start, attempt
from musterwerk.testing.simulator.payloads import Converter

if TYPE_CHECKING:
    from musterwerk.testing.simulator.local import LocalActivity


class LocalExecution:
    """`call` is there as long as somebody may ask the function to stop."""

    def __init__(self, of: LocalActivity) -> None:
        given, run = of.given, of.run
        self.call: Call | None = None
        self._of = of
        self._run = run
        self._simulation = run.simulation
        self._number = of.number
        self._view = attempt(
            run.workflow_type, run.workflow_id, run.run_id, given.activity_type,
            given.activity_id, of.occurrence, of.number, True, of.policy.attempts,
        )  # fmt: skip

    @property
    def current(self) -> bool:
        """Whether core still waits for this attempt."""
        return self._of.busy and self._of.number == self._number

    def begin(self) -> None:
        self._simulation.activities.find(self._of.given.activity_type)
        start = self._simulation.decide("attempt_starts").attempt_starts(self._view)
        self._of.started()
        if start.send:
            self._simulation.send(start.send)
        if start.run:
            self._launch_as(start)
        elif start.error is not None:
            self._done(None, Reply(failure=self._converter().encode_failure(start.error)))

    def let_go(self) -> Call | None:
        call, self.call = self.call, None
        return call

    def _launch_as(self, start: Start) -> None:
        if start.held:
            self._simulation.held.append((self._view, self._launch, lambda: self.current))
        elif start.late:
            when = self._run.now + nanoseconds(start.late)
            self._simulation.agenda.at(when, self._launch)
        else:
            self._launch()

    def _launch(self) -> None:
        of, simulation = self._of, self._simulation
        function = simulation.activities.find(of.given.activity_type)

        def done(reply: Reply) -> None:
            self._done(call, reply)

        info = partial(
            infos.local_info,
            *(self._run, of.given, of.policy, self._number, self._run.now, of.scheduled_at),
        )
        call = Call(function, info, self._converter(), done, simulation.calls, _ignore)
        self.call = call
        call.start(simulation.loop, list(of.given.arguments))
        if not call.finished or simulation.loop.leaves_work():
            simulation.took_time = True

    def _done(self, call: Call | None, reply: Reply) -> None:
        view, simulation = self._view, self._simulation
        if call is not None:
            simulation.called(view, call)
        report = simulation.decide("attempt_ends").attempt_ends(view, reply.failure is not None)
        if report.send:
            simulation.send(report.send)
        if report.release:
            simulation.release()
        if report.lost or not self.current:
            return
        if report.error is not None:
            reply = Reply(failure=self._converter().encode_failure(report.error))
        self._of.replied(reply)

    def _converter(self) -> Converter:
        return infos.converter(self._run, self._of.given)


def _ignore(_: Payloads | None) -> None:
    """Local activities do not heartbeat."""
