"""What screens share: who looks, in which language, and how a page is rendered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import Depends, Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from musterwerk.console.access import cookies
from musterwerk.console.auth import Caller, ServicesDep
from musterwerk.console.pages import language as lang
from musterwerk.console.pages.reasons import because
from musterwerk.console.pages.refusals import refusal
from musterwerk.console.pages.shapes import columns, is_table
from musterwerk.console.problems import Problem
from musterwerk.schedules.ledger.address import acts_of, page_of
from musterwerk.store.directory import PersonRow

#: Nothing from elsewhere, no script in a page, and no page of ours inside another one.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: In every form that changes something.
_HIDDEN = Markup('<input type="hidden" name="form" value="{}">')


@dataclass(frozen=True)
class Viewer(Caller):
    """Who is logged in. `secret` is their session's."""

    row: PersonRow
    secret: str


class LoginNeeded(Exception):
    """Nobody is logged in; afterwards they come to `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def viewer(request: Request, services: ServicesDep) -> Viewer:
    if (found := viewer_of(request, services)) is None:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise LoginNeeded(here if request.method == "GET" else _page_of(request.url.path))
    return found


def viewer_of(request: Request, services: ServicesDep) -> Viewer | None:
    secret = cookies.session_of(request)
    # What a page asks for by itself (live lists, streams) is no click that keeps a session alive.
    click = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    owner = services.sessions.owner(secret, click=click) if secret else None
    if owner is None or secret is None:
        return None
    found = Viewer(owner.person.id, frozenset(owner.roles), owner.person, secret)
    request.state.viewer = found
    return found


def _page_of(path: str) -> str:
    """On which page the form is that is sent there."""
    parts = path.split("/")
    if parts[1] in ("requests", "schedules"):
        return "/".join(parts[:3])
    return "/me" if parts[1] == "me" else "/"


ViewerDep = Annotated[Viewer, Depends(viewer)]


async def form(request: Request, viewer: ViewerDep) -> FormData:
    """A form that we showed to this viewer. Raises `Problem` "not-ours" for any other."""
    given = request.state.given = await request.form()
    if not cookies.is_ours(request, viewer.secret, text(given, "form")):
        raise Problem("not-ours", "this form is not from here, or too old; open the page again")
    return given


FormDep = Annotated[FormData, Depends(form)]


def text(given: FormData, name: str) -> str:
    """A field's text; "" where there is none."""
    found = given.get(name)
    return found.strip() if isinstance(found, str) else ""


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """A page in the reader's language. `context` is the template's; `names` in it are people's."""
    who: Viewer | None = getattr(request.state, "viewer", None)
    reader = _reader(request)
    language = language_of(request)
    zone = reader.zone if reader else "UTC"
    secret = who.secret if who else cookies.door_of(request)
    names: dict[str, str] = context.pop("names", {})
    page = environment(language).get_template(template)
    html = page.render(
        viewer=who,
        language=language,
        path=request.url.path,
        page_of=page_of,
        acts_of=acts_of,
        hidden=lambda: _HIDDEN.format(cookies.form_token(secret)),
        now=request.app.state.services.now(),
        moment=partial(lang.moment, zone=zone, language=language),
        distance=partial(lang.distance, language=language),
        clock=partial(lang.clock, zone=zone, language=language),
        day_name=partial(lang.day, language=language),
        length=partial(lang.length, language=language),
        number=partial(lang.number, language=language),
        because=partial(because, zone=zone, language=language),
        names=names,
        refusal=partial(refusal, names=names, language=language),
        **context,
    )
    response = HTMLResponse(html, status, headers=_HEADERS)
    if who is None:
        cookies.set_door(response, secret)
    return response


def language_of(request: Request) -> str:
    reader = _reader(request)
    return reader.language if reader else lang.preferred(request.headers)


def _reader(request: Request) -> PersonRow | None:
    """Who is logged in; else whose page it is, such as that of a link in a mail."""
    who: Viewer | None = getattr(request.state, "viewer", None)
    return who.row if who else getattr(request.state, "reader", None)


def goto(path: str, **query: str) -> RedirectResponse:
    """After a form was taken: reloading the page that follows sends nothing again."""
    return RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), 303)


@cache
def environment(language: str) -> Environment:
    found = Environment(
        loader=PackageLoader("musterwerk.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    filters = cast("dict[str, Any]", found.filters)
    filters |= {"is_table": is_table, "columns": columns}
    found.install_gettext_translations(lang.translations(language), newstyle=True)  # pyright: ignore
    return found


async def in_thread(function: Any, *args: Any) -> Any:
    return await asyncio.to_thread(function, *args)
