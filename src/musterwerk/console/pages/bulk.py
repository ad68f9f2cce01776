"""Several requests decided at once: first what would happen, then what did.

Each request comes with the digest with which the list showed it, and the preview gives each
decision its id: sent twice, it is made once, and a request that changed meanwhile is left alone.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from musterwerk.approvals import Reply, Status
from musterwerk.approvals.acts import Act
from musterwerk.approvals.client import new_id
from musterwerk.approvals.policy import REJECT
from musterwerk.console.api.found import find
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.forming import act_of
from musterwerk.console.pages.request import choice
from musterwerk.console.pages.site import (
    FormDep,
    Viewer,
    ViewerDep,
    goto,
    in_thread,
    render,
    text,
)
from musterwerk.console.problems import Problem
from musterwerk.console.sending import perform
from musterwerk.console.services import Services
from musterwerk.errors import StoreError

router = APIRouter()
MOST = 100
_SIDE_BY_SIDE = 8
Outcome = Literal["approve", "reject"]


@dataclass(frozen=True)
class Item:
    """`no` says why it would not be decided: "gone", "ended", "not_asked", "claimed", "answer",
    "changed"."""

    request_id: str
    status: Status | None
    no: str = ""
    field: str = ""


@dataclass(frozen=True)
class Told:
    request_id: str
    subject: str
    reply: Reply


@router.get("/bulk")
def preview(
    request: Request,
    viewer: ViewerDep,
    services: ServicesDep,
    outcome: Outcome = "approve",
    id: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """Nothing is decided here."""
    chosen = list(dict.fromkeys(id or []))
    if not chosen:
        return goto("/inbox")
    items = [_item(services, viewer, one, outcome) for one in map(_seen, chosen[:MOST])]
    return render(
        request,
        "bulk.html",
        items=items,
        names=_names(services, items),
        outcome=outcome,
        left=len(chosen) - len(items),
        missing=False,
    )


@router.post("/bulk")
async def decide(
    request: Request, viewer: ViewerDep, services: ServicesDep, given: FormDep
) -> Response:
    outcome, reason = text(given, "outcome"), text(given, "reason")
    picked = [_picked(one) for one in given.getlist("item")[:MOST]]
    if outcome == REJECT and not reason:
        seen = [(request_id, digest) for request_id, digest, _ in picked]
        items = [await in_thread(_item, services, viewer, one, outcome) for one in seen]
        names = await in_thread(_names, services, items)
        again = {"items": items, "names": names, "outcome": outcome, "left": 0, "missing": True}
        return render(request, "bulk.html", status=422, **again)
    # All of them before the first is done: a form that is not whole decides nothing.
    acts = [
        (request_id, _act(viewer, services, act_id, outcome=outcome, reason=reason, digest=digest))
        for request_id, digest, act_id in picked
    ]
    few = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(request_id: str, act: Act) -> Told:
        async with few:
            return await _decide(services, viewer, request_id, act)

    told = await asyncio.gather(*(one(*pair) for pair in acts))
    deciders = {person for one in told for person in one.reply.by}
    names = await in_thread(services.people.names, deciders)
    return render(request, "bulk_done.html", told=told, outcome=outcome, names=names)


async def _decide(services: Services, viewer: Viewer, request_id: str, act: Act) -> Told:
    try:
        found = await in_thread(find, services, viewer, request_id)
        reply = await perform(services, request_id, act)
    except (Problem, StoreError) as error:
        # One that fails does not hide what became of the others.
        problem = error if isinstance(error, Problem) else Problem("unavailable", "try again")
        reply = Reply(act_id=act.id, verdict="invalid", message=str(problem))
        return Told(request_id, request_id, reply)
    return Told(request_id, found.status.subject, reply)


def _act(viewer: Viewer, services: Services, act_id: str, **fields: str) -> Act:
    act = act_of(services, kind="decide", id=act_id, by=viewer.person, channel="console", **fields)
    if isinstance(act, str):
        raise Problem("invalid", "the form is not whole; open the page again")
    return act


def _seen(chosen: str) -> tuple[str, str]:
    """A request, and the digest with which the list showed it."""
    request_id, _, digest = chosen.partition(" ")
    return request_id, digest


def _item(services: Services, viewer: Viewer, seen: tuple[str, str], outcome: str) -> Item:
    request_id, digest = seen
    try:
        status = find(services, viewer, request_id).status
    except Problem:
        return Item(request_id, None, "gone")
    changed = bool(digest) and digest != status.digest and status.ended_at is None
    no = "changed" if changed else _obstacle(services, viewer, status, outcome)
    # In a form's field: what was shown, and the id of the decision.
    field = json.dumps([request_id, status.digest, new_id()])
    return Item(request_id, status, no, field)


def _names(services: Services, items: list[Item]) -> dict[str, str]:
    shown = [one.status for one in items if one.status]
    return services.people.names(
        {one for status in shown for one in (status.requester, status.claimed_by) if one}
    )


def _obstacle(services: Services, viewer: Viewer, status: Status, outcome: str) -> str:
    places = services.people.places_of(viewer.person, services.now())
    if status.ended_at is not None:
        return "ended"
    if not choice(viewer, status, places).decide:
        return "not_asked"
    if status.claimed_by not in (None, viewer.person):
        return "claimed"
    if outcome not in status.outcomes or outcome in status.answer_for:
        return "answer"
    return ""


def _picked(field: Any) -> tuple[str, str, str]:
    try:
        request_id, digest, act_id = json.loads(field)
        found = str(request_id), str(digest), str(act_id)
        "".join(found).encode()
        return found
    except (ValueError, TypeError, RecursionError):
        raise Problem("invalid", "the form is not whole; open the page again") from None
