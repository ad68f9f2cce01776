"""The stream by which an open page hears of changes (server-sent events)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse

from musterwerk.console.auth import ServicesDep
from musterwerk.console.live import Listener
from musterwerk.console.pages.site import ViewerDep

router = APIRouter()


@router.get("/events", response_class=EventSourceResponse)
async def events(viewer: ViewerDep, services: ServicesDep) -> AsyncIterator[list[str]]:
    """Which requests have changed; [] where there are too many to name."""
    async for changed in services.live.listen(
        Listener(viewer.secret, viewer.person, viewer.sees_all)
    ):
        yield changed
