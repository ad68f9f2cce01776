"""How long the order desk waits for the services."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import RetryPolicy

from musterwerk.saga import StepOptions, UndoRetry
from musterwerk.shop.model import Wire

#: The memo under which whoever starts an order may set another patience.
PATIENCE = "patience"


class Patience(Wire):
    """How long the desk waits for the services before it gives an order up.

    `attempt` limits one call and is longer than the gateway's own timeout; `step` limits a step
    with all its attempts, its waits and its time in the queue of a busy or restarting worker.
    An undo gets more attempts, then rounds of them, and later another round every `slow_undo`.
    """

    attempt: timedelta = timedelta(seconds=2)
    step: timedelta = timedelta(minutes=1)
    attempts: int = 6
    undo_attempts: int = 10
    first_retry: timedelta = timedelta(milliseconds=100)
    longest_retry: timedelta = timedelta(seconds=1)
    slow_undo: timedelta = timedelta(seconds=10)

    def retry(self, attempts: int) -> RetryPolicy:
        return RetryPolicy(
            initial_interval=self.first_retry,
            maximum_interval=self.longest_retry,
            maximum_attempts=attempts,
        )

    def steps(self) -> StepOptions:
        return StepOptions(
            start_to_close_timeout=self.attempt,
            schedule_to_close_timeout=self.step,
            retry_policy=self.retry(self.attempts),
        )

    def undos(self) -> UndoRetry:
        return UndoRetry(
            retry_policy=self.retry(self.undo_attempts),
            rounds=3,
            pause=self.longest_retry,
            slow_pause=self.slow_undo,
            slow_pause_max=max(self.slow_undo, timedelta(minutes=10)),
        )
