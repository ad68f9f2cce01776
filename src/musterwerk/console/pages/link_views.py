"""What is rendered for a link in a mail: the request, the page that asks again, and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from musterwerk.approvals import Reply
from musterwerk.approvals.client import new_id
from musterwerk.console.access.mail_links import STATUS, Closed, Opened, Step
from musterwerk.console.pages.answer_form import fields_of
from musterwerk.console.pages.forming import typed, words_of
from musterwerk.console.pages.request import choice
from musterwerk.console.pages.site import render
from musterwerk.console.services import Services


@dataclass(frozen=True)
class Visit:
    """Somebody with a good link. `here` is its path."""

    request: Request
    services: Services
    here: str
    found: Opened

    def shown(
        self, reply: Reply | None = None, status: int = 200, given: FormData | None = None
    ) -> Response:
        """The request and what can be done; or what has been. `reply` is to what was refused, and
        what was `given` with that is shown, as no form is left for it."""
        asked, person = self.found.status, self.found.person.id
        if self.found.is_changed:
            raise Closed("changed", self.found.person)
        said = [v.outcome for v in asked.votes if v.person == person and v.level == asked.level]
        return self._render(
            "link.html",
            status,
            said=said[-1] if said else None,
            opened=self.found,
            by_link=self.services.mail_decisions,
            reply=reply,
            written=words_of(given),
        )

    def confirmation(
        self, step: Step, given: FormData | None = None, wrong: str = "", status: int = 200
    ) -> Response:
        """One decision and its button; with what was `given` before, and what is wrong with it."""
        asked = self.found.status
        needs = step.kind == "decide" and step.named in asked.answer_for
        return self._render(
            "link_confirm.html",
            status,
            step=step,
            fields=fields_of(asked.answer_schema) if needs else (),
            typed=typed(given or FormData()),
            wrong=wrong,
            act_id=new_id(),
        )

    def _render(self, template: str, status: int, **context: Any) -> Response:
        asked, services = self.found.status, self.services
        reply: Reply | None = context.get("reply")
        named = {asked.requester, *asked.by, *asked.may_decide, self.found.person.id}
        named |= {one for one in (asked.asked_by, asked.claimed_by) if one}
        named |= {*(reply.by if reply else ())}
        places = services.people.places_of(self.found.person.id, services.now())
        return render(
            self.request,
            template,
            status=status,
            asked=asked,
            person=self.found.person,
            choice=choice(self.found.caller, asked, places),
            names=services.people.names({*named, *(place.holder for place in places)}),
            here=self.here,
            **context,
        )


def closed_page(request: Request, closed: Closed) -> Response:
    status = STATUS[closed.why]
    page = render(
        request,
        "link_closed.html",
        status=status,
        why=closed.why,
        whose=closed.whose,
        written=words_of(getattr(request.state, "given", None)),
    )
    if status == 429:
        page.headers["Retry-After"] = "60"
    return page
