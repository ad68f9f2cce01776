"""The inbox: lists of requests, one request, and its story."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel

from musterwerk.approvals import Status
from musterwerk.approvals.state import Entry
from musterwerk.console.api.found import find
from musterwerk.console.auth import Caller, CallerDep, ServicesDep
from musterwerk.console.problems import Problem, documented
from musterwerk.console.services import Services
from musterwerk.store.inbox_pages import MAX_LIMIT, InboxPage, Search

router = APIRouter(tags=["requests"])

RequestId = Annotated[str, Path(description="The request's id.", examples=["refund-4711"])]
Box = Literal["mine", "unassigned", "questions", "all", "decided"]


class Page(BaseModel):
    """`next` is the `cursor` of the page that follows; null on the last."""

    items: list[Status]
    next: str | None


class Story(BaseModel):
    items: list[Entry]


@router.get("/requests", summary="The inbox", responses=documented())
def list_requests(
    caller: CallerDep,
    services: ServicesDep,
    box: Annotated[
        Box,
        Query(
            description="mine: you may decide them now. unassigned: of those, what nobody has "
            "claimed. questions: you asked for them, or whom you stand in for, and are "
            "asked back. all: every open request that is yours to see. decided: those that have "
            "ended, latest first, and were yours to see. Open ones come by deadline."
        ),
    ] = "mine",
    state: Annotated[str | None, Query(max_length=60, examples=["open"])] = None,
    requester: Annotated[str | None, Query(max_length=200)] = None,
    q: Annotated[str | None, Query(max_length=200, description="Text in the subject.")] = None,
    expires_before: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="`next` of the page before.")
    ] = None,
) -> Page:
    """Items are without `details`. Pages hold while requests come and go: none comes twice, and
    none that stays is left out."""
    if box == "decided" and expires_before is not None:
        raise Problem("invalid", "expires_before: what has ended does not expire any more")
    search = Search(
        box=box,
        person=caller.person,
        state=state,
        requester=requester,
        text=q,
        expires_before=expires_before,
        after=cursor,
        limit=limit,
    )
    page = page_of(services, caller, search)
    return Page(items=[Status.read(one) for one in page.statuses], next=page.next)


@router.get(
    "/requests/{request_id}", summary="One request with its details", responses=documented()
)
def get_request(request_id: RequestId, caller: CallerDep, services: ServicesDep) -> Status:
    """`digest` is what a decision has to name. `may_decide` are the persons, groups and
    delegates who are asked now, without those in `excluded`; `next_at` is when the clock does
    something (`next_event`)."""
    return find(services, caller, request_id).status


@router.get(
    "/requests/{request_id}/story",
    summary="Everything that has happened to it",
    responses=documented(),
)
def get_story(request_id: RequestId, caller: CallerDep, services: ServicesDep) -> Story:
    """From the audit trail, in order. `record` is a hash over the entry and all before it."""
    find(services, caller, request_id)
    return Story(
        items=[
            Entry.model_validate(entry, from_attributes=True)
            for entry in services.inbox.entries(request_id)
        ]
    )


def page_of(services: Services, caller: Caller, search: Search) -> InboxPage:
    """What of it is this caller's to see."""
    if search.box in ("mine", "unassigned", "questions"):
        places = services.people.places_of(caller.person, services.now())
        return services.inbox.page(replace(search, places=places))
    if caller.sees_all:
        return services.inbox.page(search)
    if search.box == "decided":
        principals = services.people.principals_of(caller.person, services.now())
        return services.inbox.page(replace(search, party=(caller.person, *principals)))
    places = services.people.places_of(caller.person, services.now())
    return services.inbox.page(replace(search, box="involved", places=places))
