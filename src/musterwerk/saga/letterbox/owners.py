"""Whether the workflow that wrote a letter is still there to settle it."""

from __future__ import annotations

from datetime import UTC, datetime

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.saga.client import describe_last
from musterwerk.saga.letter import Letter, Resolution, Settlement

_NEVER_HEARD_OF = (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT)


async def ended(client: Client, letter: Letter) -> Settlement | None:
    """How the letter's workflow ended; None while it runs, be it reset or continued as new."""
    try:
        last = await describe_last(client, letter.workflow_id, letter.run_id)
    except RPCError as error:
        if error.status not in _NEVER_HEARD_OF:
            raise
        return _settled(letter, "gone", "its workflow does not exist any more", datetime.now(UTC))
    if last.status is None or last.status is WorkflowExecutionStatus.RUNNING:
        return None
    action = last.status.name.lower()
    reason = f"its workflow ended as {action} without settling it"
    return _settled(letter, action, reason, last.close_time or datetime.now(UTC))


def _settled(letter: Letter, action: str, reason: str, at: datetime) -> Settlement:
    moment = at.isoformat()
    resolution = Resolution(action=action, by="Temporal", reason=reason, at=moment)
    return Settlement(letter.attempts, letter.error, moment, resolution)
