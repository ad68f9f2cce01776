"""Every error Musterwerk raises, in one place.

    MusterwerkError                 a use or set-up that cannot work; the message says what to do
    ├── UsageError                  wrong arguments or input; commands exit with 2
    │   └── SagaUsageError          a saga written wrongly: suspends the workflow until it is mended
    ├── ServerError                 the Temporal server is missing, unreachable or died
    ├── StoreError                  Musterwerk's database cannot be used as it is
    │   └── StoreMissing            there is none yet
    ├── AuditError                  the audit trail and its checkpoints are not of each other
    ├── AlertError                  a mail or webhook was not taken
    ├── SimulationError             what the simulator cannot do, or a test of it set up wrongly
    ├── ResolutionRefused           an operator's answer to a dead letter was not taken
    ├── ScheduleRefused             a schedule cannot do that as it stands
    └── ApprovalNotFound            no request for approval has this id

    temporalio ApplicationError     outcomes that travel through Temporal, found by their `type`
    ├── SagaCompensated             the saga failed, and everything it had done is undone
    ├── SagaCompensationFailed      as above, but an operator skipped at least one undo
    ├── SagaForwardFailed           failed after the pivot: nothing is undone, somebody has to look
    ├── SagaDeadlineExceeded        the cause of an undo: the saga's own deadline passed
    ├── StepSkipped                 an operator skipped a step after the pivot
    ├── ApprovalRefused             a request for approval that could never be decided
    ├── EffectUndone                a late step whose undo has already been recorded
    └── KeyReused                   an idempotency key came back with other content

The saga outcomes carry the report of every step as their first detail and the original failure
as their cause.
"""

from __future__ import annotations

from typing import Any

from temporalio.exceptions import ApplicationError


class MusterwerkError(Exception):
    """Base of the errors that are ours alone and never cross a workflow boundary."""


class UsageError(MusterwerkError):
    """Something was asked for in a way that cannot work."""


class SagaUsageError(UsageError):
    """A bug in how a saga is written.

    Like any bug in workflow code it suspends the workflow: its task is retried until a fix is
    deployed, and nothing is undone meanwhile.
    """


class SimulationError(MusterwerkError):
    """The simulator of `musterwerk.testing` does not support this, or was not set up for it."""


class ServerError(MusterwerkError):
    """No Temporal server answers, or the embedded one could not be started."""


class StoreError(MusterwerkError):
    """Musterwerk's database does not answer, or its tables are not those of this version.

    `temporary` where it may work again without anybody's doing.
    """

    def __init__(self, message: str, *, temporary: bool = False) -> None:
        super().__init__(message)
        self.temporary = temporary


class StoreMissing(StoreError):
    """There is no database yet, or one without tables: no worker of ours has used it."""


class AuditError(MusterwerkError):
    """A checkpoint cannot be made: key, files and trail are not those of each other."""


class AlertError(MusterwerkError):
    """A mail server or webhook did not take a message. It may be tried again.

    `refused` where the server is well and others are told: only this one was not taken.
    """

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class ResolutionRefused(MusterwerkError):
    """Nothing was changed: no such dead letter is open, or somebody else was first."""


class ScheduleRefused(MusterwerkError):
    """Nothing was done: a schedule cannot do that as it stands. `why` is "overlap" (the run before
    goes on), "unseen" (a trigger of which no run is seen) or "renaming"."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class ApprovalNotFound(MusterwerkError):
    """Temporal knows no request of this id: it never did, or its retention is over."""


class ApprovalRefused(ApplicationError):
    """Nobody was asked: the policy can never be met, or the request is malformed.

    The message says why. Non-retryable: asking again would be refused again.
    """

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type="ApprovalRefused", non_retryable=True)


class SagaCompensated(ApplicationError):
    """A step failed and every effect of the saga was undone.

    `details[0]` is the report of every step; `__cause__` is what failed. It is non-retryable
    where its cause is, so that a workflow retry policy decides as it would without a saga.
    """

    def __init__(self, message: str, *details: Any, non_retryable: bool = False) -> None:
        super().__init__(message, *details, type="SagaCompensated", non_retryable=non_retryable)


class SagaCompensationFailed(ApplicationError):
    """A saga was undone, but an operator skipped at least one undo.

    `details[0]` is the report; its dead letters name who skipped what, and why. Non-retryable:
    a new attempt would start from books that do not balance.
    """

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type="SagaCompensationFailed", non_retryable=True)


class SagaForwardFailed(ApplicationError):
    """The block failed after the pivot. Nothing was undone; `__cause__` is what failed.

    Non-retryable: what lies before the pivot stands, and a new attempt would do it again.
    """

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type="SagaForwardFailed", non_retryable=True)


class SagaDeadlineExceeded(ApplicationError):
    """The saga did not reach its pivot or its end in time. It is the cause of `SagaCompensated`.

    Non-retryable: a new attempt would start when the time is over.
    """

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type="SagaDeadlineExceeded", non_retryable=True)


class StepSkipped(ApplicationError):
    """An operator decided that a dead-lettered step after the pivot is not to be done.

    Raised where the step was awaited. Catch it to go on without the step; uncaught, the saga
    ends as `SagaForwardFailed`.
    """

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type="StepSkipped", non_retryable=True)


class EffectUndone(ApplicationError):
    """The effect may not happen: its undo came first, or it was done and then undone.

    This is how a step that outlived its own undo is stopped. Non-retryable.
    """

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type="EffectUndone", non_retryable=True)


class KeyReused(ApplicationError):
    """An idempotency key was used again for a request with other content. Non-retryable."""

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type="KeyReused", non_retryable=True)
