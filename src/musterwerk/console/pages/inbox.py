"""The inbox: what waits for the viewer, what others see to, and what has been decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from musterwerk.approvals import Status
from musterwerk.console.api.reading import Box, page_of
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.site import ViewerDep, goto, render
from musterwerk.store.inbox_pages import Search

router = APIRouter()
BOXES: tuple[Box, ...] = ("mine", "unassigned", "questions", "all", "decided")
_ON_A_PAGE = 50
#: What is due within this is marked.
_SOON = timedelta(days=1)


@dataclass(frozen=True)
class Filters:
    """What stands in the address. `due` is "soon" or ""."""

    box: Box = "mine"
    q: str = ""
    requester: str = ""
    due: str = ""

    def address(self, **changed: str) -> str:
        """Of the same list with something else; always its first page unless `cursor` is given."""
        given = {**vars(self), **changed}
        query = {
            key: value for key, value in given.items() if value and (key, value) != ("box", "mine")
        }
        return "/inbox" + (f"?{urlencode(query)}" if query else "")


@router.get("/")
def home() -> Response:
    return goto("/inbox")


@router.get("/inbox")
def inbox(
    request: Request,
    viewer: ViewerDep,
    services: ServicesDep,
    box: Box = "mine",
    q: Annotated[str, Query(max_length=200)] = "",
    requester: Annotated[str, Query(max_length=200)] = "",
    due: Annotated[str, Query(pattern="^(soon)?$")] = "",
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    filters = Filters(box, q.strip(), requester.strip(), due if box != "decided" else "")
    search = Search(
        box=box,
        person=viewer.person,
        text=filters.q or None,
        requester=services.people.known_as(filters.requester) if filters.requester else None,
        expires_before=services.now() + _SOON if filters.due else None,
        after=cursor,
        limit=_ON_A_PAGE,
    )
    head = services.trail.head().seq  # before the page is read: what comes after it is told
    found = page_of(services, viewer, search)
    items = [Status.read(one) for one in found.statuses]
    return render(
        request,
        "inbox.html",
        filters=filters,
        head=head,
        boxes=BOXES,
        items=items,
        names=services.people.names(
            {one for item in items for one in (item.requester, item.claimed_by) if one}
        ),
        on_their_way=services.acts.on_their_way(viewer.person),
        soon=services.now() + _SOON,
        next=found.next,
        paged=cursor is not None,
    )
