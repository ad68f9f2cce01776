"""A request by its id, for whom may see it."""

from __future__ import annotations

from dataclasses import dataclass

from musterwerk.approvals import Status
from musterwerk.console.api.visibility import may_see
from musterwerk.console.auth import Caller
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services


@dataclass(frozen=True)
class Found:
    """`status` has the details."""

    status: Status
    parent: str | None
    namespace: str
    run_id: str


def find(services: Services, caller: Caller, request_id: str) -> Found:
    """Raises `Problem` "not-found" alike for what is not there and what is not theirs to see."""
    row = services.inbox.get(request_id)
    if row is not None:
        status = Status.read(row.status | {"details": row.details})
        principals = services.people.principals_of(caller.person, services.now())
        if may_see(caller, status, principals, lambda: services.inbox.entries(request_id)):
            return Found(status, row.parent, row.namespace, row.run_id)
    raise Problem("not-found", f"there is no request {request_id[:200]!r} that you may see")
