"""Making up for runs: first how many and what it costs, then exactly that.

What is confirmed is what was shown: the form has a digest of the plan, and where it has become
another one meanwhile, nothing is started.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response
from temporalio.service import RPCError

from musterwerk.approvals.client import new_id
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.schedules.acting import act_id_of, ours, status_of
from musterwerk.console.pages.schedules.detail import OperatorDep, page
from musterwerk.console.pages.site import FormDep, Viewer, goto, in_thread, render, text
from musterwerk.console.problems import Problem
from musterwerk.console.schedule_acts import Outcome, Refused, ScheduleAct
from musterwerk.console.services import Services
from musterwerk.errors import ServerError, UsageError
from musterwerk.schedules.backfilling import Backfill, do_backfill, make_backfill
from musterwerk.schedules.ledger.address import page_of
from musterwerk.schedules.native import from_proto
from musterwerk.schedules.server import Described, ScheduleServer
from musterwerk.schedules.server_rules import fires

router = APIRouter()
#: More is for the command line, which shows how far it is and can be interrupted.
MOST_RUNS, MOST_DUE, MOST_DAYS = 1_000, 5_000, 366
#: Of a scheduled run on Temporal Cloud, without what its workflow does.
_ACTIONS = 3


class TooMuch(Exception):
    """For a page."""


@router.get("/schedules/{name}/backfill")
async def preview(
    request: Request,
    name: str,
    viewer: OperatorDep,
    services: ServicesDep,
    since: Annotated[str, Query(alias="from", max_length=30)] = "",
    until: Annotated[str, Query(max_length=30)] = "",
) -> Response:
    """Nothing is started here."""
    return await _preview(request, viewer, services, name, (since, until))


async def _preview(
    request: Request,
    viewer: Viewer,
    services: Services,
    name: str,
    given: tuple[str, str],
    *,
    changed: bool = False,
    status: int = 200,
) -> Response:
    start, end = _moments(given, viewer.row.zone)
    plan, why = None, "" if start <= end else "order"
    try:
        if not why:
            plan = await _plan(await services.schedule_acts.server(), name, start, end)
    except TooMuch:
        why = "too_much"
    except UsageError as error:
        raise Problem("not-found", str(error)) from error
    except (ServerError, RPCError, TimeoutError) as error:
        raise Problem("unavailable", str(error)) from error
    if plan is not None and len(plan.missing) > MOST_RUNS:
        why = "too_many"
    return render(
        request,
        "schedules/backfill.html",
        status=422 if why and status == 200 else status,
        name=name,
        start_local=_local(start, viewer.row.zone),
        end_local=_local(end, viewer.row.zone),
        start=start,
        end=end,
        plan=plan,
        why=why,
        changed=changed,
        most=(MOST_RUNS, MOST_DUE, MOST_DAYS),
        actions=_ACTIONS,
        command=f"musterwerk schedules backfill {name} --from {_text(start)} --until {_text(end)}",
        digest=_digest(plan) if plan else "",
        act_id=new_id(),
    )


@router.post("/schedules/{name}/backfill")
async def start(
    request: Request, name: str, viewer: OperatorDep, services: ServicesDep, given: FormDep
) -> Response:
    """It goes on beside the request, and says on the schedule's page how far it is."""
    act_id, digest, span = act_id_of(given), text(given, "digest"), _span(given)
    first, last = _moments(span, viewer.row.zone)
    data = {"from": first.isoformat(), "until": last.isoformat(), "plan": digest}
    doing = ScheduleAct(act_id, "backfill", name, viewer.person, data)
    busy = services.schedule_acts.running(name, "backfill")

    async def work(server: ScheduleServer, outcome: Outcome) -> None:
        if busy is not None:
            raise Refused("busy", busy.act.person)
        try:
            plan = await _plan(server, name, first, last)
        except TooMuch:
            raise Refused("changed") from None
        if _digest(plan) != digest or len(plan.missing) > MOST_RUNS:
            raise Refused("changed")

        def told(done: int) -> None:
            outcome.done = done

        outcome.done = await do_backfill(server, plan, told=told)

    outcome = await services.schedule_acts.perform(doing, work)
    if outcome.ok:
        return goto(page_of(name), act=act_id)
    if outcome.why == "changed":
        return await _preview(request, viewer, services, name, span, changed=True, status=409)
    status = status_of(outcome)
    return await page(request, viewer, services, name, outcome=outcome, status=status)


async def _plan(server: ScheduleServer, name: str, start: datetime, end: datetime) -> Backfill:
    """Raises `TooMuch` before anything is listed."""
    found = await ours(server, name)
    if end - start > timedelta(days=MOST_DAYS):
        raise TooMuch
    if await in_thread(_due, found, start, end) > MOST_DUE:
        raise TooMuch
    return await make_backfill(server, name, start, end)


def _due(found: Described, start: datetime, end: datetime) -> int:
    times = fires(from_proto(found.proto.spec), start - timedelta(seconds=1), end)
    return sum(1 for _ in islice(times, MOST_DUE + 1))


def _digest(plan: Backfill) -> str:
    said = [plan.schedule, *(one.isoformat() for one in (*plan.due, *plan.missing, *plan.offered))]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _span(given: FormData) -> tuple[str, str]:
    return text(given, "from"), text(given, "until")


def _moments(given: tuple[str, str], zone: str) -> tuple[datetime, datetime]:
    """Of an hour that comes twice the span has both."""
    return _moment(given[0], zone, 0), _moment(given[1], zone, 1)


def _moment(given: str, zone: str, fold: int) -> datetime:
    """As a form has it, in the viewer's zone."""
    try:
        found = datetime.fromisoformat(given)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(zone), fold=fold)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Problem("invalid", "from and until are times, such as 2026-11-28T06:00") from error
    if not 1970 < found.year < 2200:
        raise Problem("invalid", "from and until: years from 1971 to 2199")
    return found


def _local(at: datetime, zone: str) -> str:
    """As the field of a form has it."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
