"""Asking people from inside a workflow."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ChildWorkflowError, WorkflowAlreadyStartedError

from musterwerk.approvals.model import (
    ID_PATTERN,
    TASK_QUEUE,
    WORKFLOW,
    A,
    ApprovalRequest,
    Decision,
)
from musterwerk.errors import ApprovalRefused, UsageError

#: Temporal takes 400 bytes of summary for its own screens.
_SUMMARY = 200
#: A killed worker's request moves to another one after this long; Temporal's default is 10 s.
TASK_TIMEOUT = timedelta(seconds=4)
#: Kept, for pydantic makes a class that nobody keeps anew each time, which takes milliseconds.
_ANSWERED = Decision[Any]


async def request(
    request: ApprovalRequest[A], *, id: str | None = None, task_queue: str = TASK_QUEUE
) -> Decision[A]:
    """Ask, and wait for what comes of it: days or weeks, over restarts and deployments.

    Runs `musterwerk.Approval` as a child workflow, served by `musterwerk worker`; nothing else is
    needed here. If the calling workflow ends, fails, is cancelled or continues as new, the
    request is withdrawn. A decision of any kind is a result, also "rejected", "expired" and
    "withdrawn"; raises `ApprovalRefused` where nobody could ever decide, or the id is in use,
    with the reason.

    `id` names the request to people; unique among all that are open. Without one it is random,
    and the same on replay.
    """
    identity = checked_id(id or f"approval-{workflow.uuid4()}")
    try:
        given: dict[str, Any] = await workflow.execute_child_workflow(
            WORKFLOW,
            request.as_json(),
            id=identity,
            task_queue=task_queue,
            result_type=dict[str, Any],
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            # There is nothing to wait for: whoever is cancelled takes no decision any more.
            cancellation_type=workflow.ChildWorkflowCancellationType.TRY_CANCEL,
            task_timeout=TASK_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=1),
            static_summary=summary(request.subject),
        )
    except WorkflowAlreadyStartedError as taken:
        raise ApprovalRefused(
            f"a request {identity!r} is open already; give it another id, or none"
        ) from taken
    except ChildWorkflowError as failure:
        cause = failure.cause
        if isinstance(cause, ApplicationError) and cause.type == "ApprovalRefused":
            raise ApprovalRefused(cause.message) from failure
        raise
    return decision_of(given, request.answer)


def decision_of(given: dict[str, Any], answer: type[A] | None) -> Decision[A]:
    """With the answer as the type that was asked for.

    Raises `ApplicationError` "ApprovalAnswer" where the type refuses what its own JSON schema
    allows; better let the schema say all.
    """
    found = _ANSWERED.read(given)
    if answer is None or found.answer is None:
        return found
    try:
        value = TypeAdapter(answer).validate_python(found.answer)
    except ValidationError as error:
        raise ApplicationError(
            f"the answer to {found.request_id} is no {answer.__name__}: {error}",
            type="ApprovalAnswer",
            non_retryable=True,
        ) from error
    return found.model_copy(update={"answer": value})


def checked_id(identity: str) -> str:
    if not re.fullmatch(ID_PATTERN, identity):
        raise UsageError(
            f"{identity!r} is no id of a request: up to 200 letters, digits and . _ ~ : @ - "
            "are expected, the first a letter or digit"
        )
    return identity


def summary(subject: str) -> str:
    return subject.encode()[:_SUMMARY].decode(errors="ignore")
