"""Tokens: issued by admins; seen and revoked by admins and by whose they are."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from musterwerk.console.api import bodies
from musterwerk.console.auth import AdminDep, CallerDep, ServicesDep
from musterwerk.console.problems import Problem, documented
from musterwerk.store.tokens import LIFETIME

router = APIRouter(tags=["tokens"])


class Secret(BaseModel):
    person: str
    label: str
    expires_at: datetime | None
    secret: str


class TokenView(BaseModel):
    id: str
    person: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class Tokens(BaseModel):
    items: list[TokenView]


@router.post(
    "/tokens",
    status_code=201,
    summary="Issue a token",
    responses=documented("forbidden", changes=True),
)
def post_token(given: bodies.NewToken, caller: AdminDep, services: ServicesDep) -> Secret:
    """The secret is told this once; only its hash is kept."""
    expires_at = given.expires_at
    if "expires_at" not in given.model_fields_set:
        expires_at = services.now() + LIFETIME
    if expires_at is not None and expires_at <= services.now():
        raise Problem("invalid", "expires_at: this time has passed")
    secret = services.tokens.issue(
        given.person, given.label, expires_at, actor=caller.person, channel="rest"
    )
    return Secret(person=given.person, label=given.label, expires_at=expires_at, secret=secret)


@router.get("/tokens", summary="Tokens there are", responses=documented("forbidden"))
def list_tokens(
    caller: CallerDep,
    services: ServicesDep,
    person: Annotated[str | None, Query(max_length=200, description="Default: yourself.")] = None,
) -> Tokens:
    wanted = person or caller.person
    if wanted != caller.person and not caller.has("admin"):
        raise Problem("forbidden", "tokens of others are an admin's to see")
    return Tokens(
        items=[
            TokenView.model_validate(one, from_attributes=True)
            for one in services.tokens.list(wanted)
        ]
    )


@router.delete(
    "/tokens/{token_id}",
    status_code=204,
    summary="Revoke a token",
    responses=documented(changes=True),
)
def delete_token(token_id: str, caller: CallerDep, services: ServicesDep) -> None:
    """At once, for good. Again, it changes nothing."""
    whose = None if caller.has("admin") else caller.person
    if token_id not in {one.id for one in services.tokens.list(whose)}:
        raise Problem("not-found", f"there is no token {token_id[:200]!r} of yours")
    services.tokens.revoke(token_id, actor=caller.person, channel="rest")
