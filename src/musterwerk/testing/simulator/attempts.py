"""One call of a user's activity function, in the environment a worker gives it."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.common import MetricMeter, RawValue
from temporalio.exceptions import ApplicationError, CancelledError

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator.decisions import Attempt
from musterwerk.testing.simulator.infos import task_token
from musterwerk.testing.simulator.loop import VirtualLoop
from musterwerk.testing.simulator.payloads import Converter
from musterwerk.testing.simulator.waiting import NEVER, NEVER_IN_LOOP, Event
from musterwerk.testing.simulator.worker import Function

_REQUESTED = activity.ActivityCancellationDetails(cancel_requested=True)


class Reply:
    """What the worker reports: a result, a failure, or that it was canceled."""

    __slots__ = ("canceled", "failure", "result")

    def __init__(
        self, result: Payload | None = None, failure: Failure | None = None, canceled: bool = False
    ) -> None:
        self.result = result
        self.failure = failure
        self.canceled = canceled


@dataclass(frozen=True)
class CallSeen:
    """One call of an activity function as it went, with what it answered or raised."""

    attempt: Attempt
    when: datetime
    arguments: Sequence[Any]
    result: Any
    error: BaseException | None
    _call: Call | None = field(default=None, repr=False, compare=False)

    @property
    def reply(self) -> Reply | None:
        """What it reported, before anything became of that."""
        return self._call.reply if self._call is not None else None

    @property
    def info(self) -> activity.Info | None:
        """What the activity could ask about itself."""
        return self._call.info if self._call is not None else None


class Call:
    """The function running, or about to. `done` is told its reply, once."""

    def __init__(
        self,
        function: Function,
        info: Callable[[], activity.Info],
        converter: Converter,
        done: Callable[[Reply], None],
        running: set[Call],
        heartbeat: Callable[[Payloads | None], None],
    ) -> None:
        self.finished = False
        self.arguments: Sequence[Any] = ()
        self.payloads: list[Payload] = []
        self.reply: Reply | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self._function = function.call
        self._given = function.given
        self._info: activity.Info | Callable[[], activity.Info] = info
        self._converter = converter
        self._done = done
        self._running = running
        self._beat = heartbeat
        self._task: asyncio.Task[Any] | None = None
        self._by_request = False
        self._shields = 0
        self._raise_when_unshielded = False
        self._details = activity._ActivityCancellationDetailsHolder()
        self._cancelled = Event(in_loop=self._given.is_async)

    def start(self, loop: VirtualLoop, payloads: list[Payload]) -> None:
        self.payloads = payloads
        context = contextvars.copy_context()
        context.run(activity._Context.set, self._context())
        try:
            arguments = self.arguments = self._arguments(payloads)
        except Exception as error:
            failed = error
            self._end(lambda: _raise(failed))
            return
        if self._given.is_async:
            self._task = loop.make_first_step(self._function(*arguments), context)
            if self._task.done():
                self._end(self._task.result)
            else:
                self._running.add(self)
                self._task.add_done_callback(lambda task: self._end(task.result))
        else:
            self._end(lambda: context.run(self._function, *arguments))

    def again(
        self, function: Function, loop: VirtualLoop, at: datetime, attempt: int
    ) -> Call | None:
        """The same call of another world's function, begun at that time as that attempt.

        None where it does not end at once, or does what depends on who listens.
        """
        before = self.info
        token = task_token(before.workflow_run_id or "", before.activity_id, attempt)
        info = dataclasses.replace(before, started_time=at, attempt=attempt, task_token=token)
        call = Call(function, lambda: info, self._converter, _nobody, set(), _heard)
        try:
            call.start(loop, self.payloads)
        except SimulationError:
            return None
        if loop.leaves_work() or not call.finished:
            # It set something going, which the run itself would have waited for.
            call.abandon()
            loop.drop()
            return None
        return None if isinstance(call.error, _Heard) else call

    def cancel(self, details: activity.ActivityCancellationDetails = _REQUESTED) -> None:
        if self.finished or self._cancelled.is_set():
            return
        self._details.details = details
        self._by_request = details.cancel_requested or details.worker_shutdown
        self._cancelled.set()
        if self._task is not None:
            self._task.cancel("Activity cancelled")
        elif not self._given.no_thread_cancel_exception and not self._given.is_async:
            self._raise_when_unshielded = True

    def abandon(self) -> None:
        """Whatever comes of it, nobody is told."""
        self._done = self._beat = _nobody
        self.cancel(activity.ActivityCancellationDetails(worker_shutdown=True))

    def _arguments(self, payloads: list[Payload]) -> list[Any]:
        types = self._given.arg_types
        if self._given.name is None:
            return [self._converter.decode(payloads, [RawValue] * len(payloads))]
        if types is not None and len(types) != len(payloads):
            types = None
        try:
            return self._converter.decode(payloads, types) if payloads else []
        except Exception as error:
            raise ApplicationError("Failed decoding arguments") from error

    def _context(self) -> activity._Context:
        raises = not self._given.no_thread_cancel_exception and not self._given.is_async
        return activity._Context(
            info=lambda: self.info,
            heartbeat=self._heartbeat,
            cancelled_event=self._cancelled,
            worker_shutdown_event=NEVER_IN_LOOP if self._given.is_async else NEVER,
            shield_thread_cancel_exception=self._shielded if raises else None,
            payload_converter_class_or_instance=self._converter.given.payload_converter,
            runtime_metric_meter=MetricMeter.noop,
            client=None,
            cancellation_details=self._details,
        )

    @property
    def info(self) -> activity.Info:
        if not isinstance(self._info, activity.Info):
            self._info = self._info()
        return self._info

    def _heartbeat(self, *details: Any) -> None:
        if not self.finished:
            self._beat(self._converter.encode_all(details))
            self._raise_if_cancelled()

    @contextmanager
    def _shielded(self) -> Generator[None]:
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
            self._raise_if_cancelled()

    def _raise_if_cancelled(self) -> None:
        if self._raise_when_unshielded and not self._shields:
            self._raise_when_unshielded = False
            raise CancelledError("Cancelled")

    def _end(self, outcome: Callable[[], Any]) -> None:
        try:
            result = outcome()
            self.finished, self.result = True, result
            reply = Reply(self._converter.encode([result])[0])
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self.finished, self.error = True, error
            reply = self._failed(error)
        finally:
            self._running.discard(self)
        self.reply, done = reply, self._done
        # Who is done lets go of the others, so that the collector of cycles finds less to do.
        self._task, self._done, self._beat = None, _nobody, _nobody
        done(reply)

    def _failed(self, error: BaseException) -> Reply:
        """As a worker tells failures apart."""
        if isinstance(error, activity._CompleteAsyncError):
            raise SimulationError(
                f"Activity {self.info.activity_type} completes asynchronously, which the"
                " simulator does not support: no client could complete it"
            )
        if isinstance(error, SimulationError):
            raise error
        cancelled = isinstance(error, asyncio.CancelledError | CancelledError)
        if cancelled and self._by_request:
            failure = self._converter.encode_failure(CancelledError("Cancelled"))
            return Reply(failure=failure, canceled=True)
        return Reply(failure=self._converter.encode_failure(error))


class _Heard(BaseException):
    """A heartbeat, which somebody may answer."""


def _heard(_: Payloads | None) -> None:
    raise _Heard


def _nobody(_: Reply | Payloads | None) -> None: ...


def _raise(error: Exception) -> None:
    raise error
