"""Logging in and out with a password of the console's own."""

from __future__ import annotations

import logging

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
from musterwerk.console.services import Services
from musterwerk.store.sessions import LONGEST

router = APIRouter()
_log = logging.getLogger(__name__)


@router.get("/login")
def show(request: Request, services: ServicesDep, next: str = "/") -> Response:
    if viewer_of(request, services) is not None:
        return goto(local(next))
    return render(request, "login.html", next=local(next), name="", wrong=None)


@router.post("/login")
async def login(request: Request, services: ServicesDep) -> Response:
    given = await request.form()
    name, after = text(given, "name"), local(text(given, "next"))
    address = request.client.host if request.client else "?"
    door = request.cookies.get(cookies.DOOR)
    if door is None or not cookies.is_ours(request, door, text(given, "form")):
        return _again(request, name, after, "again", 403)
    if not services.logins.allows(name, address):
        _log.warning("too many log-ins of %r from %s", name, address)
        return _again(request, name, after, "often", 429)
    password = given.get("password")
    if not await in_thread(_knows, services, name, password if isinstance(password, str) else ""):
        services.logins.failed(name, address)
        _log.warning("a wrong password for %r from %s", name, address)
        return _again(request, name, after, "wrong", 401)
    response = goto(after)
    if old := cookies.session_of(request):
        await in_thread(services.sessions.close, old)
    secret = await in_thread(services.sessions.open, name)
    cookies.set_session(response, secret, int(LONGEST.total_seconds()))
    return response


@router.post("/logout")
def logout(viewer: ViewerDep, services: ServicesDep, _: FormDep) -> Response:
    services.sessions.close(viewer.secret)
    response = goto("/login")
    cookies.end_session(response)
    return response


def local(path: str) -> str:
    """A page of ours: nobody is sent elsewhere from a log-in."""
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if fine and "\\" not in path else "/"


def _knows(services: Services, name: str, password: str) -> bool:
    right = is_right(services.passwords, name, password)
    person = services.people.get(name) if right else None
    return person is not None and person.active


def _again(request: Request, name: str, after: str, wrong: str, status: int) -> Response:
    response = render(request, "login.html", status=status, next=after, name=name, wrong=wrong)
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response
