"""Logging in and out with a password of the console's own; the page that all log-ins share."""

from __future__ import annotations

import logging
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from musterwerk.console.access import cookies
from musterwerk.console.access.hashing import is_right
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.site import (
    FormDep,
    ViewerDep,
    goto,
    in_thread,
    render,
    text,
    viewer_of,
)
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services
from musterwerk.store.sessions import LONGEST

router = APIRouter()
_log = logging.getLogger(__name__)
#: Why somebody has to try again, and what is answered.
_STATUS = {
    "again": 403,
    "often": 429,
    "wrong": 401,
    "denied": 401,
    "unproven": 401,
    "unknown": 403,
    "away": 503,
}


@router.get("/login")
def show(request: Request, services: ServicesDep, next: str = "/") -> Response:
    if viewer_of(request, services) is not None:
        return goto(local(next))
    return page(request, local(next))


@router.post("/login")
async def login(request: Request, services: ServicesDep) -> Response:
    if not services.access.local:
        raise Problem("forbidden", "passwords are switched off here")
    given = await request.form()
    name, after = text(given, "name"), local(text(given, "next"))
    address = address_of(request)
    door = request.cookies.get(cookies.DOOR)
    if door is None or not cookies.is_ours(request, door, text(given, "form")):
        return page(request, after, name=name, wrong="again")
    if wait := services.logins.wait(name, address):
        _log.warning("too many log-ins of %r from %s", name, address)
        return page(request, after, name=name, wrong="often", wait=wait)
    password = given.get("password")
    with services.logins.attempt(name, address):
        said = password if isinstance(password, str) else ""
        if not await in_thread(_knows, services, name, said):
            services.logins.failed(name, address)
            _log.warning("a wrong password for %r from %s", name, address)
            return page(request, after, name=name, wrong="wrong")
    return await entered(request, services, name, after)


@router.post("/logout")
def logout(viewer: ViewerDep, services: ServicesDep, _: FormDep) -> Response:
    services.sessions.close(viewer.secret)
    response = goto("/login")
    cookies.end_session(response)
    return response


async def entered(request: Request, services: Services, person: str, after: str) -> Response:
    """A new session for who has shown who they are; the one before it ends."""
    response = goto(after)
    if old := cookies.session_of(request):
        await in_thread(services.sessions.close, old)
    secret = await in_thread(services.sessions.open, person)
    cookies.set_session(response, secret, int(LONGEST.total_seconds()))
    return response


def page(
    request: Request, after: str = "/", *, name: str = "", wrong: str = "", wait: int = 60
) -> Response:
    """`wrong` is why it has to be tried again; `wait` are the seconds until it may be."""
    services: Services = request.app.state.services
    response = render(
        request,
        "login.html",
        status=_STATUS.get(wrong, 200),
        next=after,
        name=name,
        wrong=wrong,
        wait=timedelta(seconds=wait),
        access=services.access,
        needs_tls=cookies.needs_tls(request),
    )
    if wrong in ("often", "away"):
        response.headers["Retry-After"] = str(wait)
    return response


def address_of(request: Request) -> str:
    return request.client.host if request.client else "?"


def local(path: str) -> str:
    """A page of ours: nobody is sent elsewhere from a log-in."""
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if fine and "\\" not in path else "/"


def _knows(services: Services, name: str, password: str) -> bool:
    right = is_right(services.passwords, name, password)
    person = services.people.get(name) if right else None
    return person is not None and person.active
