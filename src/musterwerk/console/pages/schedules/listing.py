"""The list of schedules: how each stands, what became of it last, when it runs next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.site import ViewerDep, render
from musterwerk.store.ledger_reading import outdated
from musterwerk.store.schedule_pages import ScheduleSearch, owners, search_schedules, watched

router = APIRouter()
State = Literal["", "active", "paused", "failing", "overdue", "drifted"]
STATES: tuple[State, ...] = ("", "active", "paused", "failing", "overdue", "drifted")
_ON_A_PAGE = 50


@dataclass(frozen=True)
class Filters:
    """What stands in the address."""

    q: str = ""
    owner: str = ""
    state: State = ""

    def address(self, **changed: str) -> str:
        """Of the same list with something else; its first page unless `cursor` is given."""
        query = {key: value for key, value in {**vars(self), **changed}.items() if value}
        return "/schedules" + (f"?{urlencode(query)}" if query else "")

    def search(self, after: str | None) -> ScheduleSearch:
        return ScheduleSearch(
            name=self.q or None,
            owner=self.owner or None,
            paused={"active": False, "paused": True}.get(self.state),
            failing=self.state == "failing",
            overdue=self.state == "overdue",
            drifted=self.state == "drifted",
            after=after,
            limit=_ON_A_PAGE,
        )


@router.get("/schedules")
def show(
    request: Request,
    viewer: ViewerDep,
    services: ServicesDep,
    q: Annotated[str, Query(max_length=100)] = "",
    owner: Annotated[str, Query(max_length=200)] = "",
    state: State = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    filters = Filters(q.strip(), owner.strip(), state)
    with services.store.read() as connection:
        found = search_schedules(connection, filters.search(cursor), services.now())
        watch, known = watched(connection), owners(connection)
    return render(
        request,
        "schedules/list.html",
        filters=filters,
        states=STATES,
        items=found.schedules,
        owners=known,
        watch=watch,
        old=outdated(watch.good_until if watch else None, services.now()),
        next=found.next,
        paged=cursor is not None,
    )
