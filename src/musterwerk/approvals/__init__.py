"""Approvals: people decide, in time or not, and the workflow goes on with what they said.

`request` is for inside a workflow, `start` and `ApprovalHandle` for outside. Both need a
`musterwerk worker` that serves the requests, and nothing but `pip install "musterwerk[approvals]"`
here.
"""

from __future__ import annotations

from temporalio import workflow

# Types that keep no state: the sandbox need not load Pydantic and them for every execution.
with workflow.unsafe.imports_passed_through():
    from musterwerk.approvals.acts import Reply
    from musterwerk.approvals.asking import request
    from musterwerk.approvals.client import ApprovalHandle, start
    from musterwerk.approvals.model import TASK_QUEUE, ApprovalRequest, Decision, Vote
    from musterwerk.approvals.policy import Calendar, Escalation, Level, Policy
    from musterwerk.approvals.state import Status

__all__ = [
    "TASK_QUEUE",
    "ApprovalHandle",
    "ApprovalRequest",
    "Calendar",
    "Decision",
    "Escalation",
    "Level",
    "Policy",
    "Reply",
    "Status",
    "Vote",
    "request",
    "start",
]
