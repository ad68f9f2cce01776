"""A request and notices about it, as tests of what people are told need them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from musterwerk.approvals.state import Notice, Status

AT = datetime(2026, 11, 24, 13, tzinfo=UTC)


def status(**given: Any) -> Status:
    usual: dict[str, Any] = {
        "request_id": "refund-42",
        "subject": "Refund 730.00 EUR to C-17",
        "requester": "shop",
        "details": {"amount": "730.00"},
        "outcomes": ("approve", "reject"),
        "revision": 1,
        "digest": "0" * 64,
        "version": 1,
        "state": "open",
        "created_at": AT,
        "story_at": AT,
        "updated_at": AT,
        "expires_at": AT,
        "may_decide": ("group:finance",),
    }
    return Status(**{**usual, **given})


def ended(state: str, outcome: str, **given: Any) -> Status:
    return status(state=state, outcome=outcome, ended_at=AT, may_decide=(), **given)


def notice(event: Any = "asked", **given: Any) -> Notice:
    usual: dict[str, Any] = {"key": f"refund-42/{event}", "to": ("group:finance",), "at": AT}
    return Notice(event=event, **{**usual, **given})
