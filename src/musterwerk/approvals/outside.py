"""What is shown of a request whose workflow somebody terminated, or that failed: it is over. Pure.

Its own word for how it stands stays "open": it never got to say more.
"""

from __future__ import annotations

from datetime import datetime

from musterwerk.approvals.model import WITHDRAWN
from musterwerk.approvals.policy import REJECT
from musterwerk.approvals.state import Record

_OPEN = ("open", "info_requested")
REASON = "ended from outside"


def ended_outside(record: Record, at: datetime) -> Record:
    """The same if it had come to an end by itself before."""
    if record.status.state not in _OPEN:
        return record
    over = {"state": WITHDRAWN, "outcome": REJECT, "reason": REASON, "ended_at": at}
    idle = {"may_decide": (), "claimed_by": None, "question": None, "asked_by": None}
    clock = {"next_at": None, "next_event": None, "next_to": (), "then_to": ()}
    status = record.status.model_copy(update={**over, **idle, **clock})
    return record.model_copy(update={"status": status, "notices": ()})
