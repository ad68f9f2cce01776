"""The time a saga has to reach its pivot or its end."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from types import TracebackType

from temporalio import workflow

from musterwerk.errors import SagaUsageError


def absolute(deadline: timedelta | datetime | None) -> datetime | None:
    """From now on, if it is a duration."""
    if isinstance(deadline, timedelta):
        if deadline <= timedelta(0):
            raise SagaUsageError(f"a deadline lies in the future, not {deadline} from now")
        return workflow.now() + deadline
    if deadline is not None and deadline.tzinfo is None:
        raise SagaUsageError(
            f"the deadline {deadline} has no time zone; give it one, such as tzinfo=UTC"
        )
    return deadline


class DeadlineTimer:
    """Cancels the task that started it once the time is over.

    It is a timer of the workflow: the server's own execution timeout ends a workflow without
    letting it undo anything.
    """

    def __init__(self) -> None:
        self._timeout: asyncio.Timeout | None = None

    async def start(self, at: datetime | None) -> None:
        if at is not None:
            left = max(0.0, (at - workflow.now()).total_seconds())
            self._timeout = asyncio.timeout(left)
            await self._timeout.__aenter__()

    @property
    def over(self) -> bool:
        return self._timeout is not None and self._timeout.expired()

    def stop(self) -> None:
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(None)

    async def close(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take its own cancellation back, so that the task does not count as cancelled."""
        if self._timeout is not None:
            try:
                await self._timeout.__aexit__(kind, err, trace)
            except TimeoutError:
                return  # `over` says it
