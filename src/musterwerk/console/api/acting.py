"""What people do to a request. The actor is always the token's person."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Path, Response
from pydantic import BaseModel

from musterwerk.approvals import Reply
from musterwerk.approvals.acts import (
    Act,
    Amend,
    Ask,
    Claim,
    Comment,
    Decide,
    Delegate,
    Inform,
    Release,
    Withdraw,
)
from musterwerk.approvals.client import new_id
from musterwerk.console.api import bodies
from musterwerk.console.api.found import find
from musterwerk.console.api.reading import RequestId
from musterwerk.console.auth import CallerDep, ServicesDep
from musterwerk.console.problems import Problem, documented
from musterwerk.console.sending import perform

router = APIRouter(tags=["acts"])

#: What each verdict that is not good means over HTTP.
REFUSALS = {
    "changed": "changed",
    "closed": "closed",
    "already_decided": "already-decided",
    "claimed": "claimed",
    "not_entitled": "not-entitled",
    "excluded": "excluded",
    "unknown_person": "unknown-person",
    "invalid": "invalid",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"model": Reply, "description": "Recorded: it will be applied, whatever happens."},
    **documented(*REFUSALS.values(), "key-reused", changes=True),
}


class Doing:
    """One act of the caller's on a request that they may see."""

    def __init__(
        self,
        request_id: RequestId,
        caller: CallerDep,
        services: ServicesDep,
        response: Response,
        key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                min_length=1,
                max_length=200,
                pattern=r"^[\x21-\x7e]+$",
                description="The act's id: sent again with it, the act is done once.",
            ),
        ] = None,
    ) -> None:
        self._request_id = request_id
        self._caller = caller
        self._services = services
        self._response = response
        self._id = key or new_id()

    async def do(self, kind: type[Act], **fields: Any) -> Reply:
        await asyncio.to_thread(find, self._services, self._caller, self._request_id)
        act = kind(
            id=self._id,
            by=self._caller.person,
            channel="rest",
            made_at=self._services.now(),
            **fields,
        )
        reply = await perform(self._services, self._request_id, act)
        if not reply.ok:
            raise Problem(REFUSALS[reply.verdict], reply.message, more=reply.as_json())
        if reply.verdict == "recorded":
            self._response.status_code = 202
            self._response.headers["Location"] = (
                f"/api/v1/requests/{self._request_id}/acts/{reply.act_id}"
            )
        return reply


DoingDep = Annotated[Doing, Depends()]


@router.post(
    "/requests/{request_id}/decisions",
    summary="Decide",
    responses={
        **_RESPONSES,
        **documented("digest-required", *REFUSALS.values(), "key-reused", changes=True),
    },
)
async def decide(doing: DoingDep, given: Annotated[bodies.Decision, Body()]) -> Reply:
    """`digest` is that of the request as it was shown to you. `on_behalf_of` names whose place
    you take, where you stand in for several."""
    if given.digest is None:
        raise Problem(
            "digest-required",
            "name the digest of what you have seen: it is in GET /requests/{id}",
        )
    return await doing.do(Decide, **given.model_dump())


@router.post("/requests/{request_id}/claim", summary="Take it on", responses=_RESPONSES)
async def claim(doing: DoingDep) -> Reply:
    """Nobody else decides until you release it."""
    return await doing.do(Claim)


@router.post("/requests/{request_id}/release", summary="Give it back", responses=_RESPONSES)
async def release(doing: DoingDep) -> Reply:
    return await doing.do(Release)


@router.post(
    "/requests/{request_id}/delegations",
    summary="Let somebody decide in your place",
    responses=_RESPONSES,
)
async def delegate(doing: DoingDep, given: bodies.Delegation) -> Reply:
    """Naming its holder again takes a place back. Operators may move another `holder`'s."""
    return await doing.do(Delegate, **given.model_dump())


@router.post(
    "/requests/{request_id}/questions", summary="Ask the requester back", responses=_RESPONSES
)
async def ask(doing: DoingDep, given: bodies.Text) -> Reply:
    return await doing.do(Ask, **given.model_dump())


@router.post("/requests/{request_id}/answers", summary="Answer the question", responses=_RESPONSES)
async def answer(doing: DoingDep, given: bodies.Text) -> Reply:
    return await doing.do(Inform, **given.model_dump())


@router.post("/requests/{request_id}/comments", summary="Say something", responses=_RESPONSES)
async def comment(doing: DoingDep, given: bodies.Text) -> Reply:
    return await doing.do(Comment, **given.model_dump())


@router.post(
    "/requests/{request_id}/amendments", summary="Change what is asked", responses=_RESPONSES
)
async def amend(doing: DoingDep, given: bodies.Amendment) -> Reply:
    """By the requester. What was decided is void, and everybody is asked again."""
    return await doing.do(Amend, **given.model_dump())


@router.post("/requests/{request_id}/withdrawal", summary="Take it back", responses=_RESPONSES)
async def withdraw(doing: DoingDep, given: bodies.Withdrawal | None = None) -> Reply:
    """By the requester or an operator."""
    return await doing.do(Withdraw, **(given or bodies.Withdrawal()).model_dump())


class ActView(BaseModel):
    """`state`: sending (kept by us), recorded (Temporal has it), done (see `reply`)."""

    id: str
    request_id: str
    person: str
    state: str
    reply: Reply | None


@router.get(
    "/requests/{request_id}/acts/{act_id:path}",
    summary="What became of an act",
    responses=documented(),
)
def get_act(
    request_id: RequestId,
    act_id: Annotated[str, Path(description="The Idempotency-Key, or `act_id` of the answer.")],
    caller: CallerDep,
    services: ServicesDep,
) -> ActView:
    """Of your own acts; operators, auditors and admins see all."""
    found = services.acts.get(act_id, request_id)
    if found is None or not (caller.sees_all or found.person == caller.person):
        raise Problem("not-found", f"there is no act {act_id[:200]!r} of yours on this request")
    reply = None if found.reply is None else Reply.read(found.reply)
    return ActView(
        id=found.id,
        request_id=found.request_id,
        person=found.person,
        state=found.state,
        reply=reply,
    )
