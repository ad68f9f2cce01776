"""The pages behind a link in a mail: one request, for whoever has the link.

Mail scanners open every link, follow what they find, and send forms. So nothing is done by
opening: the first page's buttons lead to a page that names the decision, and only the button there
decides, by a POST with the button's own value and what ties the form to the browser that was shown
the page (`access/cookies.py`).
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from musterwerk.approvals.acts import Act
from musterwerk.console.access import cookies
from musterwerk.console.access.mail_links import (
    Closed,
    Opened,
    Step,
    check,
    needs_login,
    opened,
    owner_of,
)
from musterwerk.console.api.acting import REFUSALS
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.answer_form import answer_of
from musterwerk.console.pages.forming import act_of
from musterwerk.console.pages.link_views import Visit
from musterwerk.console.pages.site import LoginNeeded, goto, in_thread, text, viewer_of
from musterwerk.console.problems import KINDS
from musterwerk.console.sending import perform
from musterwerk.console.services import Services

router = APIRouter()
_LOOKING = ["GET", "HEAD"]


@router.api_route("/m/{secret}", methods=_LOOKING)
def show(request: Request, secret: str, services: ServicesDep) -> Response:
    visit = _visit(request, services, secret)
    if request.method == "GET":
        services.links.note_view(visit.found.link, services.now())
    return visit.shown()


@router.api_route("/m/{secret}/{kind}/{named}", methods=_LOOKING)
def confirm(
    request: Request, secret: str, kind: str, named: str, services: ServicesDep
) -> Response:
    """The page with the button that does it."""
    visit, step = _visit(request, services, secret), Step(kind, named)
    check(services, visit.found, step)
    return visit.confirmation(step) if visit.found.status.ended_at is None else visit.shown()


@router.post("/m/{secret}/{kind}/{named}")
async def do(
    request: Request, secret: str, kind: str, named: str, services: ServicesDep
) -> Response:
    given, step = await request.form(), Step(kind, named)
    request.state.given = given
    visit: Visit = await in_thread(_visit, request, services, secret)
    found = visit.found
    check(services, found, step, text(given, "act"))
    if not _is_ours(request, given):
        return await in_thread(visit.confirmation, step, given, "again", 403)
    if text(given, "press") != named:
        return await in_thread(visit.confirmation, step, given, "button", 422)
    act = _act(found, services, step, given)
    if isinstance(act, str):
        return await in_thread(visit.confirmation, step, given, act, 422)
    kept = act.id, act.as_json(), services.now()
    if not await in_thread(services.links.use, found.link, *kept):
        raise Closed("used", found.person)
    reply = await perform(services, found.link.request_id, act)
    if reply.ok:
        return goto(f"/m/{secret}")
    if reply.verdict == "invalid":
        return await in_thread(visit.confirmation, step, given, reply.message, 422)
    now: Visit = await in_thread(_visit, request, services, secret)
    return await in_thread(now.shown, reply, KINDS[REFUSALS[reply.verdict]].status, given)


def _visit(request: Request, services: Services, secret: str) -> Visit:
    """Raises `Closed`, or `LoginNeeded`."""
    viewer = viewer_of(request, services)
    link, person = owner_of(services, secret, request.client.host if request.client else "?")
    request.state.reader = person
    if viewer is not None and viewer.person != person.id:
        raise Closed("other", person)
    if viewer is None and needs_login(services, link):
        raise LoginNeeded(f"/m/{secret}")
    return Visit(request, services, f"/m/{secret}", opened(services, link, person))


def _is_ours(request: Request, given: FormData) -> bool:
    viewer = getattr(request.state, "viewer", None)
    secret = viewer.secret if viewer else request.cookies.get(cookies.DOOR)
    return bool(secret) and cookies.is_ours(request, secret, text(given, "form"))


def _act(found: Opened, services: Services, step: Step, given: FormData) -> Act | str:
    """Or what is wrong with it. A decision is about what the mail showed."""
    fields: dict[str, Any] = {"id": text(given, "act"), "by": found.person.id, "channel": "mail"}
    if step.kind == "decide":
        fields |= {"kind": "decide", "outcome": step.named, "digest": found.link.digest}
        fields |= {"reason": text(given, "reason")}
        fields |= {"on_behalf_of": text(given, "on_behalf_of") or None}
        if step.named in found.status.answer_for:
            fields["answer"] = answer_of(found.status.answer_schema, given, found.person.zone)
    else:
        fields |= {"kind": "inform", "text": text(given, "text")}
    return act_of(services, **fields)
