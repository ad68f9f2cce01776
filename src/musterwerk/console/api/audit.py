"""The audit trail, for auditors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from musterwerk.console.auth import AuditorDep, ServicesDep
from musterwerk.console.problems import documented
from musterwerk.store.audit import Filter

router = APIRouter(tags=["audit"])

_MOST = 1000


class Line(BaseModel):
    """`hash` is over the line and `previous`, the hash of the line before."""

    seq: int
    source: str
    at: datetime
    request_id: str | None
    event: str
    actor: str
    channel: str
    on_behalf_of: str | None
    digest: str
    data: dict[str, Any]
    record: str
    previous: str
    hash: str


class Lines(BaseModel):
    """`next` is the `after` of the page that follows; null on the last."""

    items: list[Line]
    next: int | None


@router.get("/audit", summary="The audit trail", responses=documented("forbidden"))
def list_audit(
    caller: AuditorDep,
    services: ServicesDep,
    request: Annotated[str | None, Query(max_length=200, description="A request's id.")] = None,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    event: Annotated[str | None, Query(max_length=60, examples=["decided"])] = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> Lines:
    """In its order. `musterwerk audit verify` tells whether it is whole."""
    only = Filter(request, actor, event, since, until)
    found = services.trail.lines(after, limit + 1, only)
    shown = [Line.model_validate(one, from_attributes=True) for one in found[:limit]]
    return Lines(items=shown, next=shown[-1].seq if len(found) > limit else None)
