"""One call of a user's activity function, in the environment a worker gives it."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.common import MetricMeter, RawValue
from temporalio.exceptions import ApplicationError, CancelledError

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator.cancellation import NEVER, NEVER_IN_LOOP, Cancellation
from musterwerk.testing.simulator.functions import Function
from musterwerk.testing.simulator.loop import VirtualLoop
from musterwerk.testing.simulator.payloads import Converter

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
        self.converter = converter
        self._done = done
        self._running = running
        self._beat = heartbeat
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = Cancellation(self._given)

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

    def cancel(self, details: activity.ActivityCancellationDetails = _REQUESTED) -> None:
        if self.finished or self._cancelled.is_set():
            return
        self._cancelled.request(details)
        if self._task is not None:
            self._task.cancel("Activity cancelled")

    def abandon(self) -> None:
        """Whatever comes of it, nobody is told."""
        self._done = self._beat = nobody
        self.cancel(activity.ActivityCancellationDetails(worker_shutdown=True))

    def _arguments(self, payloads: list[Payload]) -> list[Any]:
        types = self._given.arg_types
        if self._given.name is None:
            return [self.converter.decode(payloads, [RawValue] * len(payloads))]
        if types is not None and len(types) != len(payloads):
            types = None
        try:
            return self.converter.decode(payloads, types) if payloads else []
        except Exception as error:
            raise ApplicationError("Failed decoding arguments") from error

    def _context(self) -> activity._Context:
        cancelled = self._cancelled
        return activity._Context(
            info=lambda: self.info,
            heartbeat=self._heartbeat,
            cancelled_event=cancelled,
            worker_shutdown_event=NEVER_IN_LOOP if self._given.is_async else NEVER,
            shield_thread_cancel_exception=cancelled.shielded if cancelled.raises else None,
            payload_converter_class_or_instance=self.converter.given.payload_converter,
            runtime_metric_meter=MetricMeter.noop,
            client=None,
            cancellation_details=cancelled.details,
        )

    @property
    def info(self) -> activity.Info:
        if not isinstance(self._info, activity.Info):
            self._info = self._info()
        return self._info

    def _heartbeat(self, *details: Any) -> None:
        if not self.finished:
            self._beat(self.converter.encode_all(details))
            self._cancelled.raise_if_due()

    def _end(self, outcome: Callable[[], Any]) -> None:
        try:
            result = outcome()
            self.finished, self.result = True, result
            reply = Reply(self.converter.encode([result])[0])
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            self.finished, self.error = True, error
            reply = self._failed(error)
        finally:
            self._running.discard(self)
        self.reply, done = reply, self._done
        # Who is done lets go of the others, so that the collector of cycles finds less to do.
        self._task, self._done, self._beat = None, nobody, nobody
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
        if cancelled and self._cancelled.by_request:
            failure = self.converter.encode_failure(CancelledError("Cancelled"))
            return Reply(failure=failure, canceled=True)
        return Reply(failure=self.converter.encode_failure(error))


def nobody(_: Reply | Payloads | None) -> None: ...


def _raise(error: Exception) -> None:
    raise error
