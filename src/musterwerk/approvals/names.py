"""The activities of an approval, by name: its workflow imports none of the code that does I/O."""

from __future__ import annotations

#: `Question` -> `Facts`: who is in which group, who is away, is the answer of the right shape.
FACTS = "musterwerk.approval_facts"
#: `Planning` -> `Timeline`: when the clock does something, by calendar and time zone.
PLAN = "musterwerk.approval_plan"
#: `Record` -> None: the projection, the audit trail and the notices, in one transaction.
RECORD = "musterwerk.approval_record"
