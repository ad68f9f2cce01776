"""Who is calling: the person behind a bearer token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from musterwerk.console.callers import Caller
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token from `musterwerk people token PERSON`, or from an admin.",
)


def services(request: Request) -> Services:
    return request.app.state.services


ServicesDep = Annotated[Services, Depends(services)]


def caller(
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)], services: ServicesDep
) -> Caller:
    """One answer for tokens that are unknown, expired or revoked: which, is nobody's business."""
    if given is None:
        raise Problem("unauthorized", "send a token: `Authorization: Bearer mw_...`")
    owner = services.tokens.person_of(given.credentials, services.now())
    if owner is None:
        raise Problem("unauthorized", "the token is unknown, expired or revoked")
    return Caller(owner.person, frozenset(owner.roles))


CallerDep = Annotated[Caller, Depends(caller)]


def only(*roles: str) -> Callable[[Caller], Caller]:
    def check(caller: CallerDep) -> Caller:
        if not caller.has(*roles):
            raise Problem("forbidden", f"this is for the role {' or '.join(roles)}")
        return caller

    return check


AdminDep = Annotated[Caller, Depends(only("admin"))]
AuditorDep = Annotated[Caller, Depends(only("auditor", "admin"))]
