"""What a viewer does to a request: forms in, and back to the request that says what came of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from musterwerk.approvals import Reply
from musterwerk.console.api.acting import REFUSALS
from musterwerk.console.api.found import find
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.answer_form import answer_of
from musterwerk.console.pages.forming import act_of, typed
from musterwerk.console.pages.request import page
from musterwerk.console.pages.site import FormDep, Viewer, ViewerDep, goto, in_thread, text
from musterwerk.console.problems import KINDS, Problem
from musterwerk.console.sending import perform
from musterwerk.console.services import Services

router = APIRouter()
#: What a form may do, and the fields of each that go into the act as they are.
_KINDS: dict[str, tuple[str, ...]] = {
    "decide": ("outcome", "reason", "digest", "on_behalf_of"),
    "claim": (),
    "release": (),
    "delegate": ("to", "reason"),
    "ask": ("text",),
    "inform": ("text",),
    "comment": ("text",),
    "withdraw": ("reason",),
}


@router.post("/requests/{request_id}/{kind}")
async def act(
    request: Request,
    request_id: str,
    kind: str,
    viewer: ViewerDep,
    services: ServicesDep,
    given: FormDep,
) -> Response:
    """The form's `act` is the act's id: sent twice, it is done once."""
    if kind not in _KINDS:
        raise Problem("not-found", "there is no such form")
    reply = await _do(services, viewer, request_id, kind, given)
    if reply.ok:
        return goto(f"/requests/{request_id}", act=reply.act_id)
    again, status = typed(given, kind), KINDS[REFUSALS[reply.verdict]].status
    return await in_thread(
        lambda: page(request, viewer, services, request_id, reply=reply, typed=again, status=status)
    )


async def _do(
    services: Services, viewer: Viewer, request_id: str, kind: str, given: FormData
) -> Reply:
    found = await in_thread(find, services, viewer, request_id)
    fields: dict[str, Any] = {name: value for name in _KINDS[kind] if (value := text(given, name))}
    act_id = text(given, "act")
    if "to" in fields:
        fields["to"] = await in_thread(services.people.known_as, fields["to"])
    if kind == "decide":
        if "digest" not in fields:
            raise Problem("digest-required", "the form is not whole; open the page again")
        if fields.get("outcome") in found.status.answer_for:
            fields["answer"] = answer_of(found.status.answer_schema, given, viewer.row.zone)
    who = {"id": act_id, "by": viewer.person, "channel": "console"}
    act = act_of(services, **{**fields, **who, "kind": kind})
    if isinstance(act, str):
        return Reply(act_id=act_id, actor=viewer.person, verdict="invalid", message=act)
    return await perform(services, request_id, act)
