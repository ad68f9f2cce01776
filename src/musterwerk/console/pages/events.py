"""The stream by which an open page hears of changes (server-sent events)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from musterwerk.console.auth import ServicesDep
from musterwerk.console.live import Listener
from musterwerk.console.pages.site import ViewerDep

router = APIRouter()
#: No database counts further.
_MOST = 2**63 - 1


@router.get("/events", response_class=EventSourceResponse)
async def events(
    viewer: ViewerDep,
    services: ServicesDep,
    after: Annotated[int | None, Query(ge=0, le=_MOST)] = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=_MOST)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Which requests have changed; [] where there are too many to name. `after` is what the page
    has seen; a browser that connects again says itself where it was."""
    seen = after if last_event_id is None else last_event_id
    listener = Listener(viewer.secret, viewer.person, viewer.sees_all, seen)
    async for head, changed in services.live.listen(listener):
        yield ServerSentEvent(data=changed, id=str(head))
