"""The audit trail for auditors: searched, read on, and taken away as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.site import Viewer, ViewerDep, in_thread, render
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services
from musterwerk.store import auditing
from musterwerk.store.audit import Filter, KeptLine
from musterwerk.store.audit_tables import iso

router = APIRouter()
_ON_A_PAGE = 100
_AT_ONCE = 1000


def auditor(viewer: ViewerDep) -> Viewer:
    if not viewer.has("auditor", "admin"):
        raise Problem("forbidden", "this is for auditors")
    return viewer


AuditorDep = Annotated[Viewer, Depends(auditor)]


@dataclass(frozen=True)
class Wanted:
    """What stands in the address. The days are the viewer's, the last one counts whole."""

    request: Annotated[str, Query(max_length=200)] = ""
    actor: Annotated[str, Query(max_length=200)] = ""
    event: Annotated[str, Query(max_length=60)] = ""
    since: Annotated[str, Query(max_length=10)] = ""
    until: Annotated[str, Query(max_length=10)] = ""

    def filter(self, zone: str) -> Filter:
        return Filter(
            self.request.strip() or None,
            self.actor.strip() or None,
            self.event.strip() or None,
            _start(self.since, zone),
            _start(self.until, zone, timedelta(days=1)),
        )

    def query(self, **more: object) -> str:
        given = {**vars(self), **more}
        return urlencode({name: value for name, value in given.items() if value})


WantedDep = Annotated[Wanted, Depends()]


@router.get("/audit")
def show(
    request: Request,
    viewer: AuditorDep,
    services: ServicesDep,
    wanted: WantedDep,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Response:
    """The latest lines, those first."""
    only = wanted.filter(viewer.row.zone)
    found = services.trail.latest(_ON_A_PAGE + 1, only, before=before)[::-1]
    shown = found[:_ON_A_PAGE]
    return render(
        request,
        "audit.html",
        lines=shown,
        wanted=wanted,
        older=shown[-1].seq if len(found) > _ON_A_PAGE else None,
    )


@router.get("/audit/verification")
async def verify(request: Request, viewer: AuditorDep, services: ServicesDep) -> Response:
    """The chain and its checkpoints. Temporal's histories are compared by the command line."""
    folder = services.audit
    verdict = None
    if folder is not None:
        verdict = await in_thread(auditing.verify, services.store, folder)
    return render(request, "verification.html", verdict=verdict)


@router.get("/audit/lines.jsonl")
def export(viewer: AuditorDep, services: ServicesDep, wanted: WantedDep) -> Response:
    """Every line that fits, as JSON, one in each line."""
    only = wanted.filter(viewer.row.zone)
    return StreamingResponse(
        _lines(services, only),
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="audit.jsonl"'},
    )


def _lines(services: Services, only: Filter) -> Iterator[str]:
    after = 0
    while found := services.trail.lines(after, _AT_ONCE, only):
        for line in found:
            yield json.dumps(_told(line), ensure_ascii=False) + "\n"
        after = found[-1].seq


def _told(line: KeptLine) -> dict[str, object]:
    return {**vars(line), "at": iso(line.at)}


def _start(day: str, zone: str, later: timedelta = timedelta(0)) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day) + later, time(), ZoneInfo(zone)).astimezone(
            UTC
        )
    except (ValueError, OverflowError) as error:
        raise Problem("invalid", "since and until are days, such as 2026-11-28") from error
