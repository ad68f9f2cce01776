"""Pausing, continuing and triggering a schedule: by operators, each act once."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from musterwerk.approvals.client import new_id
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.schedules.detail import OperatorDep, page
from musterwerk.console.pages.site import FormDep, Viewer, goto, render, text
from musterwerk.console.problems import Problem
from musterwerk.console.schedule_acts import Kind, Outcome, Refused, ScheduleAct, Work
from musterwerk.console.scheduled import standing
from musterwerk.errors import UsageError
from musterwerk.schedules import control
from musterwerk.schedules.ledger.address import page_of
from musterwerk.schedules.server import Described, ScheduleServer

router = APIRouter()
_KINDS: dict[str, Kind] = {"pause": "pause", "unpause": "unpause", "trigger": "trigger"}
_STATUS = {"away": 503, "gone": 404, "failed": 500}
_LONGEST = 1_000


@router.get("/schedules/{name}/trigger")
async def confirm(
    request: Request, name: str, viewer: OperatorDep, services: ServicesDep
) -> Response:
    """Nothing is started here."""
    stand = await standing(services, name, None)
    if stand is None:
        raise Problem("not-found", f"none of ours is called {name[:100]!r}")
    return render(request, "schedules/trigger.html", name=name, stand=stand, act_id=new_id())


@router.post("/schedules/{name}/{kind}")
async def act(
    request: Request,
    name: str,
    kind: str,
    viewer: OperatorDep,
    services: ServicesDep,
    given: FormDep,
) -> Response:
    """The form's `act` is the act's id: sent twice, it is done once."""
    if kind not in _KINDS:
        raise Problem("not-found", "there is no such form")
    reason, act_id = text(given, "reason")[:_LONGEST], act_id_of(given)
    if kind == "pause" and not reason:
        return await page(request, viewer, services, name, missing=True, status=422)
    doing = ScheduleAct(act_id, _KINDS[kind], name, viewer.person, {"reason": reason})
    outcome = await services.schedule_acts.perform(doing, _work(viewer, doing, reason))
    if outcome.ok:
        return goto(page_of(name), act=act_id)
    return await page(
        request,
        viewer,
        services,
        name,
        outcome=outcome,
        typed={"reason": reason},
        status=status_of(outcome),
    )


def act_id_of(given: FormData) -> str:
    found = text(given, "act")
    if not found or len(found) > 100:
        raise Problem("invalid", "the form is not whole; open the page again")
    return found


def status_of(outcome: Outcome) -> int:
    return _STATUS.get(outcome.why, 409)


def _work(viewer: Viewer, doing: ScheduleAct, reason: str) -> Work:
    said = f"{viewer.row.name} ({viewer.person})" + (f": {reason}" if reason else "")

    async def work(server: ScheduleServer, _: Outcome) -> None:
        found = await ours(server, doing.schedule)
        state = found.proto.state
        if doing.kind == "pause":
            if state.paused:
                raise Refused("paused", state.notes)
            await control.pause(server, doing.schedule, said)
        elif doing.kind == "unpause":
            if not state.paused:
                raise Refused("running", state.notes)
            await control.unpause(server, doing.schedule, said)
        else:
            await control.trigger(server, doing.schedule)

    return work


async def ours(server: ScheduleServer, name: str) -> Described:
    found = await server.describe(name)
    if found is None or not found.ours:
        raise UsageError(f"none of ours is called {name!r}")
    return found
