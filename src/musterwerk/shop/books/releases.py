"""The approvals behind the orders: which one needed one, what people said, is the trail whole.

By plain SQL, and with the arithmetic of the audit trail done once more.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from musterwerk.shop.books.case import Approval, Case
from musterwerk.shop.books.reading import Cases, rows

ENDS = ("approved", "rejected", "expired", "withdrawn")

#: The name of a request, before the order's id.
PREFIX = "order-approval:"

RULES = """
SELECT order_id, request_id, json_extract(rule, '$.limit_minor') FROM releases
"""
REQUESTS = """
SELECT id, state, is_open, json_extract(status, '$.outcome') FROM musterwerk_requests
WHERE requester = 'shop'
"""
STORY = """
SELECT request_id, event, actor, at, json_extract(data, '$.outcome') FROM musterwerk_audit
WHERE event IN ('decided', 'ended') ORDER BY seq
"""
TRAIL = """
SELECT seq, source, at, request_id, event, actor, channel, on_behalf_of, digest, data, record,
       previous, hash FROM musterwerk_audit ORDER BY seq
"""
_COLUMNS = (
    *("seq", "source", "at", "request_id", "event", "actor", "channel", "on_behalf_of"),
    *("digest", "data", "record"),
)


def releases(data: Path, cases: Cases, violations: list[str]) -> dict[str, int]:
    """Returns how many requests ended how."""
    for order_id, request_id, limit in rows(data / "orders.sqlite", RULES):
        cases[order_id].needs_approval = request_id is not None
        cases[order_id].approval_limit = limit
    database = data / "musterwerk.sqlite"
    if not database.exists() and not any(case.needs_approval for case in cases.values()):
        return dict.fromkeys(ENDS, 0)  # nobody was ever to be asked
    _requests(database, cases)
    for order_id, created_at in rows(
        data / "shipping.sqlite",
        "SELECT order_id, min(created_at) FROM shipments WHERE state = 'handed_over'"
        " GROUP BY order_id",
    ):
        cases[order_id].left_at = datetime.fromisoformat(created_at)
    violations += broken_trail(database)
    ended = Counter(c.approval.state for c in cases.values() if c.approval is not None)
    return {state: ended[state] for state in ENDS}


def _requests(database: Path, cases: Cases) -> None:
    found: dict[str, Approval] = {}
    for request_id, state, is_open, outcome in rows(database, REQUESTS):
        approval = Approval(state, bool(is_open), outcome)
        found[request_id] = cases[request_id.removeprefix(PREFIX)].approval = approval
    for request_id, event, actor, at, outcome in rows(database, STORY):
        approval = found.get(request_id)
        if approval is None:
            continue
        if event == "decided":
            approval.votes[actor, outcome] += 1
        else:
            approval.ends.append(outcome)
            approval.ended_at = datetime.fromisoformat(at)


def broken_trail(database: Path) -> Iterator[str]:
    """The first line of the audit trail that does not follow from the one before it."""
    before: tuple[int, str] = (0, "")
    for *columns, previous, mark in rows(database, TRAIL):
        line: dict[str, Any] = dict(zip(_COLUMNS, columns, strict=True))
        line["data"] = json.loads(line["data"])
        content = json.dumps([previous, line], sort_keys=True, separators=(",", ":"))
        right = hashlib.sha256(content.encode()).hexdigest()
        if (line["seq"] - 1, previous) != before or mark != right:
            yield f"Line {line['seq']} of the audit trail does not follow from the one before it."
            return
        before = line["seq"], mark


def flaws_of_release(case: Case) -> Iterator[str]:
    """Ends of a sentence that begins with the order."""
    approval = case.approval
    if case.price is not None and case.needs_approval is not None:
        due = case.approval_limit is not None and case.price[0] >= case.approval_limit
        if due != case.needs_approval:
            yield f"{'needs' if due else 'does not need'} an approval, but its note says otherwise"
    if approval is None:
        if case.needs_approval and case.shipped:
            yield "was shipped without the approval it needed"
        return
    if not case.needs_approval:
        yield "needed no approval, but people were asked"
    if approval.is_open:
        yield "still waits for its approval"
    elif approval.ends != [approval.outcome]:
        told = ", ".join(map(str, approval.ends)) or "never"
        yield f"has an approval with the outcome {approval.outcome}, which ended: {told}"
    for (person, outcome), number in sorted(approval.votes.items()):
        if number > 1:
            yield f"has {number} votes by {person} to {outcome}"
    if case.shipped:
        yield from _flaws_of_consent(case, approval)


def _flaws_of_consent(case: Case, approval: Approval) -> Iterator[str]:
    if approval.outcome != "approve":
        yield f"was shipped, but its approval is {approval.state}"
        return
    if not any(outcome == "approve" for _, outcome in approval.votes):
        yield "was shipped, but nobody approved it"
    if case.left_at is None or approval.ended_at is None or case.left_at < approval.ended_at:
        yield "was made ready to ship before it was approved"
