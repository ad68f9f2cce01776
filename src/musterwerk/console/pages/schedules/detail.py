"""One schedule: what is declared, how it stands, what became of its runs, when it runs next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from musterwerk.approvals.client import new_id
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.schedules.chart import chart_of
from musterwerk.console.pages.site import Viewer, ViewerDep, in_thread, render
from musterwerk.console.problems import Problem
from musterwerk.console.schedule_acts import Outcome
from musterwerk.console.scheduled import standing
from musterwerk.console.services import Services
from musterwerk.schedules.server_rules import CHECKED_AGAINST
from musterwerk.store.ledger_reading import FirePage, FireSearch, outdated, search_fires
from musterwerk.store.ledger_rows import FireRow, IncidentRow, ScheduleRow, WatchRow
from musterwerk.store.schedule_pages import find_schedule, measured, open_incident, watched

router = APIRouter()
_ON_A_PAGE = 25
#: So many runs are in the charts.
_MEASURED = 60


def operator(viewer: ViewerDep) -> Viewer:
    if not viewer.has("operator", "admin"):
        raise Problem("forbidden", "this is for operators")
    return viewer


OperatorDep = Annotated[Viewer, Depends(operator)]


@dataclass(frozen=True)
class Ledger:
    """What the database knows of it; `row` is None before the monitor has seen it."""

    row: ScheduleRow | None
    incident: IncidentRow | None
    fires: FirePage
    measured: list[FireRow]
    watch: WatchRow | None


@router.get("/schedules/{name}/page")
@router.get("/schedules/{name}")
async def show(
    request: Request,
    name: str,
    viewer: ViewerDep,
    services: ServicesDep,
    act: str = "",
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:
    """`act` is one of the viewer's, whose outcome is shown."""
    outcome = services.schedule_acts.outcome(act, name, viewer.person) if act else None
    return await page(request, viewer, services, name, outcome=outcome, cursor=cursor)


async def page(
    request: Request,
    viewer: Viewer,
    services: Services,
    name: str,
    *,
    outcome: Outcome | None = None,
    typed: Mapping[str, str] | None = None,
    missing: bool = False,
    cursor: str | None = None,
    status: int = 200,
) -> Response:
    ledger = await in_thread(_ledger, services, name, cursor)
    stand = await standing(services, name, ledger.row)
    if stand is None:
        raise Problem("not-found", f"none of ours is called {name[:100]!r}")
    good_until = ledger.watch.good_until if ledger.watch else None
    return await in_thread(
        lambda: render(
            request,
            "schedules/one.html",
            status=status,
            name=name,
            stand=stand,
            ledger=ledger,
            chart_=chart_of(ledger.measured),
            watch=ledger.watch,
            old=outdated(good_until, services.now()),
            links=links_of(services, viewer, name, ledger.watch),
            rules=CHECKED_AGAINST,
            may_act=viewer.has("operator", "admin"),
            act_id=new_id(),
            outcome=outcome,
            typed=typed or {},
            missing=missing,
            paged=cursor is not None,
        )
    )


@dataclass(frozen=True)
class Links:
    """To Temporal's own screens; None where they are not the viewer's, or nobody knows where."""

    base: str | None
    schedule: str | None

    def run(self, fire: FireRow) -> str | None:
        if self.base is None or not (fire.workflow_id and fire.run_id):
            return None
        return f"{self.base}/workflows/{quote(fire.workflow_id, safe='')}/{quote(fire.run_id)}"


def links_of(services: Services, viewer: Viewer, name: str, watch: WatchRow | None) -> Links:
    namespace = watch.namespace if watch else None
    if services.temporal_ui is None or namespace is None or not viewer.sees_all:
        return Links(None, None)
    base = f"{services.temporal_ui}/namespaces/{quote(namespace, safe='')}"
    return Links(base, f"{base}/schedules/{quote(name, safe='')}")


def _ledger(services: Services, name: str, cursor: str | None) -> Ledger:
    search = FireSearch((name,), after=cursor, limit=_ON_A_PAGE)
    with services.store.read() as connection:
        return Ledger(
            row=find_schedule(connection, name),
            incident=open_incident(connection, name),
            fires=search_fires(connection, search),
            measured=measured(connection, name, _MEASURED),
            watch=watched(connection),
        )
