"""The cookies of the console, and the token that makes a form ours.

`__Host-` cookies are set by this host alone, over TLS (or on localhost), for all its paths: no
neighbouring host can put one of its own in their place. Each form has a token that follows from
the cookie's secret; another site knows neither.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from musterwerk.console.access.settings import is_this_machine

SESSION = "__Host-musterwerk"
#: Before somebody is logged in, for the form by which they do.
DOOR = "__Host-musterwerk-door"
_DOOR_SECONDS = 3600
#: While somebody is at their company's log-in: its secret, and the page to come to.
_TRIP = "__Host-musterwerk-trip"
_TRIP_SECONDS = 600


def session_of(request: Request) -> str | None:
    return request.cookies.get(SESSION)


def set_session(response: Response, secret: str, seconds: int) -> None:
    _set(response, SESSION, secret, seconds)
    _end(response, DOOR)


def end_session(response: Response) -> None:
    _end(response, SESSION)


def door_of(request: Request) -> str:
    """The one that is there, or a new one."""
    return request.cookies.get(DOOR) or secrets.token_urlsafe(32)


def set_door(response: Response, secret: str) -> None:
    _set(response, DOOR, secret, _DOOR_SECONDS)


def trip_of(request: Request) -> tuple[str, str] | None:
    """Its secret, and the page to come to afterwards."""
    secret, _, after = request.cookies.get(_TRIP, "").partition("|")
    return (secret, unquote(after)) if secret else None


def set_trip(response: Response, secret: str, after: str) -> None:
    _set(response, _TRIP, f"{secret}|{quote(after)}", _TRIP_SECONDS)


def end_trip(response: Response) -> None:
    _end(response, _TRIP)


def needs_tls(request: Request) -> bool:
    """Whether the browser will not keep our cookies.

    A proxy that speaks TLS may not have been named to us; but browsers send `Sec-Fetch-Site` only
    to where they keep such cookies.
    """
    plain = request.url.scheme == "http" and not is_this_machine(request.url.hostname)
    return plain and "sec-fetch-site" not in request.headers


def form_token(secret: str) -> str:
    return hmac.new(secret.encode("utf-8", "replace"), b"form", sha256).hexdigest()


def is_ours(request: Request, secret: str, given: str) -> bool:
    """Whether a form that was sent is one that this console showed to this browser."""
    if not secret:
        return False  # everybody knows what follows from nothing
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    return hmac.compare_digest(form_token(secret).encode(), given.encode("utf-8", "replace"))


def _end(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
    )
