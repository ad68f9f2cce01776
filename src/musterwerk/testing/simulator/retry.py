"""Whether an attempt is followed by another, and when: the server's rules, and those of core."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TypeAlias

from temporalio.api.common.v1 import RetryPolicy
from temporalio.api.enums.v1 import RetryState, TimeoutType
from temporalio.api.failure.v1 import Failure

from musterwerk.testing.simulator.clock import NS, nanoseconds

State: TypeAlias = "RetryState.ValueType"


@dataclass(frozen=True)
class Policy:
    """A retry policy with the server's defaults filled in."""

    initial: int = NS
    coefficient: float = 2.0
    longest: int = 100 * NS
    attempts: int = 0
    not_for: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: RetryPolicy | None) -> Policy:
        """The same again for the same: most activities have one of few policies."""
        return _DEFAULT if given is None else _read(given.SerializeToString())

    @classmethod
    def read(cls, given: RetryPolicy) -> Policy:
        initial = nanoseconds(given.initial_interval.ToTimedelta()) or NS
        longest = nanoseconds(given.maximum_interval.ToTimedelta()) or 100 * initial
        return cls(
            initial=initial,
            coefficient=given.backoff_coefficient or 2.0,
            longest=longest,
            attempts=given.maximum_attempts,
            not_for=tuple(given.non_retryable_error_types),
        )

    def message(self) -> RetryPolicy:
        """As it is written into histories and shown to activities. Others have it too: read it."""
        return _message(self)


_DEFAULT = Policy()


@lru_cache(maxsize=256)
def _read(serialized: bytes) -> Policy:
    return Policy.read(RetryPolicy.FromString(serialized))


@lru_cache(maxsize=256)
def _message(policy: Policy) -> RetryPolicy:
    message = RetryPolicy(
        backoff_coefficient=policy.coefficient,
        maximum_attempts=policy.attempts,
        non_retryable_error_types=policy.not_for,
    )
    message.initial_interval.FromTimedelta(timedelta(microseconds=policy.initial // 1000))
    message.maximum_interval.FromTimedelta(timedelta(microseconds=policy.longest // 1000))
    return message


def next_attempt(
    policy: Policy, failure: Failure, attempt: int, *, now: int, deadline: int | None
) -> tuple[int | None, State]:
    """The pause before the next attempt, or None and why there is none."""
    if not _retryable(failure, policy.not_for):
        return None, RetryState.RETRY_STATE_NON_RETRYABLE_FAILURE
    if policy.attempts and attempt >= policy.attempts:
        return None, RetryState.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED
    info = failure.application_failure_info
    if failure.HasField("application_failure_info") and info.HasField("next_retry_delay"):
        pause = nanoseconds(info.next_retry_delay.ToTimedelta())
    else:
        pause = backoff(policy, attempt)
    if deadline is not None and now + pause > deadline:
        return None, RetryState.RETRY_STATE_TIMEOUT
    return pause, RetryState.RETRY_STATE_IN_PROGRESS


def backoff(policy: Policy, attempt: int) -> int:
    try:
        pause = policy.initial * policy.coefficient ** (attempt - 1)
    except OverflowError:
        return policy.longest
    return int(min(pause, policy.longest))


def _retryable(failure: Failure, not_for: tuple[str, ...]) -> bool:
    kind = failure.WhichOneof("failure_info")
    if kind == "application_failure_info":
        info = failure.application_failure_info
        return not info.non_retryable and info.type not in not_for
    if kind == "timeout_failure_info":
        return failure.timeout_failure_info.timeout_type in (
            TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE,
            TimeoutType.TIMEOUT_TYPE_HEARTBEAT,
        )
    return kind not in ("terminated_failure_info", "canceled_failure_info")
