"""Logging in with a company's own account: to its provider, and back."""

from __future__ import annotations

import hmac
import logging
import secrets

from fastapi import APIRouter, Request
from starlette.responses import Response

from musterwerk.console.access import cookies
from musterwerk.console.access.matching import person_of
from musterwerk.console.access.oidc import NotProven, OidcClient, ProviderAway, Trip
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.login import address_of, entered, local, page
from musterwerk.console.pages.site import goto, in_thread
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services

router = APIRouter()
_log = logging.getLogger(__name__)


@router.get("/login/oidc")
async def leave(request: Request, services: ServicesDep, next: str = "/") -> Response:
    """A link and no form: our policy lets forms lead to us only, and browsers hold that against
    redirects too."""
    secret = secrets.token_urlsafe(32)
    try:
        address = await _client(services).address(Trip(secret), _back(request))
    except ProviderAway as reason:
        _log.error("log-in by OIDC: %s", reason)
        return page(request, local(next), wrong="away")
    response = goto(address)
    cookies.set_trip(response, secret, local(next))
    return response


@router.get("/login/oidc/done", name="oidc_done")
async def come_back(
    request: Request,
    services: ServicesDep,
    state: str = "",
    code: str = "",
    iss: str = "",
    error: str = "",
) -> Response:
    """Whatever comes of it, the cookie of this log-in opens nothing a second time."""
    client, address = _client(services), address_of(request)
    secret, after = cookies.trip_of(request) or ("", "/")
    after = local(after)
    if not secret or not hmac.compare_digest(Trip(secret).state.encode(), state.encode()):
        return _over(page(request, after, wrong="again"))
    if error:
        _log.warning("log-in by OIDC: the provider says %r", error[:100])
        return _over(page(request, after, wrong="denied"))
    if wait := services.logins.wait(None, address):
        return _over(page(request, after, wrong="often", wait=wait))
    with services.logins.attempt(None, address):
        try:
            if iss not in ("", client.provider.issuer):
                raise NotProven(f"the answer is of the issuer {iss[:200]!r}")
            claims = await client.claims(code, Trip(secret), _back(request))
        except ProviderAway as reason:
            _log.error("log-in by OIDC: %s", reason)
            return _over(page(request, after, wrong="away"))
        except NotProven as reason:
            services.logins.failed(None, address)
            _log.warning("log-in by OIDC from %s: %s", address, reason)
            return _over(page(request, after, wrong="unproven"))
    person = await in_thread(person_of, services.people, client.provider.claims, claims)
    if person is None:
        named = {name: claims.get(name) for name in ("sub", *client.provider.claims)}
        _log.warning("log-in by OIDC: no one person of ours is %r", named)
        return _over(page(request, after, wrong="unknown"))
    return _over(await entered(request, services, person.id, after))


def _client(services: Services) -> OidcClient:
    if services.oidc is None:
        raise Problem("not-found", "no provider of accounts is set up")
    return services.oidc


def _back(request: Request) -> str:
    """As the browser sees us; the provider has a list of where it sends people."""
    return str(request.url_for("oidc_done"))


def _over(response: Response) -> Response:
    cookies.end_trip(response)
    return response
