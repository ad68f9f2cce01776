"""One request: what is asked, what has happened, and what the viewer can do about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from musterwerk.approvals import Reply, Status
from musterwerk.approvals.client import new_id
from musterwerk.console.api.found import Found, find
from musterwerk.console.auth import Caller, ServicesDep
from musterwerk.console.pages.answer_form import fields_of
from musterwerk.console.pages.site import Viewer, ViewerDep, render
from musterwerk.console.services import Services
from musterwerk.store.membership import Place

router = APIRouter()


@dataclass(frozen=True)
class Typed:
    """What somebody had typed into a form of this kind that was not taken."""

    kind: str = ""
    reason: str = ""
    text: str = ""
    to: str = ""
    answer: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def words(self) -> list[str]:
        return [one for one in (self.reason, self.text, self.to, *self.answer.values()) if one]


@dataclass(frozen=True)
class Choice:
    """What the viewer may do, as far as can be told before it is tried."""

    decide: bool
    holders: tuple[str, ...]
    asked_back: bool
    withdraw: bool


@router.get("/requests/{request_id}")
def show(
    request: Request, request_id: str, viewer: ViewerDep, services: ServicesDep, act: str = ""
) -> Response:
    """`act` is one of the viewer's, whose reply is shown."""
    return page(
        request, viewer, services, request_id, reply=_reply(services, viewer, request_id, act)
    )


def page(
    request: Request,
    viewer: Viewer,
    services: Services,
    request_id: str,
    *,
    reply: Reply | None = None,
    typed: Typed | None = None,
    status: int = 200,
) -> Response:
    head = services.trail.head().seq
    found = find(services, viewer, request_id)
    story = services.inbox.entries(request_id)
    places = services.people.places_of(viewer.person, services.now())
    named = {one for entry in story for one in (entry.actor, entry.on_behalf_of) if one}
    named |= {found.status.requester, *found.status.by, *found.status.may_decide}
    named |= {*found.status.next_to, *found.status.then_to, *(reply.by if reply else ())}
    return render(
        request,
        "request.html",
        status=status,
        asked=found.status,
        head=head,
        parent=found.parent,
        process=process_of(services, found),
        story=story,
        names=services.people.names(named),
        choice=choice(viewer, found.status, places),
        fields=fields_of(found.status.answer_schema),
        reply=reply,
        typed=typed or Typed(),
        act_id=new_id(),
    )


def choice(viewer: Caller, status: Status, places: Collection[Place]) -> Choice:
    open_ = status.state in ("open", "info_requested")
    voted = any(one.person == viewer.person and one.level == status.level for one in status.votes)
    out = viewer.person in status.excluded
    seats = {*status.may_decide} - {*status.delegations}
    holders = dict.fromkeys(place.holder for place in places if place.principal in seats)
    own = status.requester in (viewer.person, *(place.holder for place in places))
    return Choice(
        decide=open_ and bool(holders) and not voted and not out,
        holders=tuple(holders),
        asked_back=status.state == "info_requested" and (own or viewer.has("operator", "admin")),
        withdraw=open_ and (own or viewer.has("operator", "admin")),
    )


def process_of(services: Services, found: Found) -> str | None:
    """Its page in Temporal's own screens."""
    if services.temporal_ui is None:
        return None
    namespace, workflow, run = (
        quote(one, safe="") for one in (found.namespace, found.status.request_id, found.run_id)
    )
    return f"{services.temporal_ui}/namespaces/{namespace}/workflows/{workflow}/{run}"


def _reply(services: Services, viewer: Viewer, request_id: str, act: str) -> Reply | None:
    kept: Any = services.acts.get(act, request_id) if act else None
    if kept is None or kept.person != viewer.person:
        return None
    if kept.reply is None:
        return Reply(act_id=act, actor=viewer.person, verdict="recorded", message="")
    return Reply.read(kept.reply)
