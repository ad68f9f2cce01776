"""A new request, from outside of any workflow."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, Field
from temporalio.client import WorkflowFailureError

from musterwerk.approvals import ApprovalHandle, Status, start
from musterwerk.approvals.documents import RequestDocument, about_stranger
from musterwerk.console.api.found import find
from musterwerk.console.auth import Caller, CallerDep, ServicesDep
from musterwerk.console.problems import Problem, documented
from musterwerk.errors import ApprovalNotFound, ApprovalRefused, ServerError, UsageError

router = APIRouter(tags=["requests"])

#: How long we wait until a worker has asked the people, or has said that it cannot; beside the
#: patience with workers that is set.
_SECONDS = 5.0
_LOOK_EVERY = 0.05
_EXAMPLE = {
    "id": "refund-4711",
    "subject": "Refund 730.00 EUR to C-17",
    "requester": "rita",
    "details": {"order": "4711", "amount": "730.00 EUR"},
    "policy": {
        "approvers": ["group:finance"],
        "four_eyes": True,
        "expires_after": "10 days",
        "remind_every": "1 day",
    },
}


class Begun(BaseModel):
    """`status` is null as long as no worker has looked at it. `warnings` are about what may be
    meant otherwise: a requester whom nobody knows."""

    id: str
    status: Status | None
    warnings: list[str] = Field(default_factory=list)


@router.post(
    "/requests",
    status_code=201,
    summary="Ask people",
    responses={
        200: {"model": Begun, "description": "It was there already, with the same content."},
        202: {"model": Begun, "description": "Begun; no worker has looked at it yet."},
        **documented("id-taken", "refused", "forbidden", changes=True),
    },
)
async def post_request(
    given: Annotated[RequestDocument, Body(examples=[_EXAMPLE])],
    caller: CallerDep,
    services: ServicesDep,
    response: Response,
) -> Begun:
    """You ask in your own name; operators and admins also in others', for instance a service's.
    The same `id` with the same content again is the same request: safe to repeat. A policy that
    can never be met is refused with the reason."""
    if given.requester != caller.person and not caller.has("operator", "admin"):
        raise Problem("forbidden", f"you ask in your own name: the requester is {caller.person!r}")
    if ":" in (given.id or "") and not caller.has("operator", "admin"):
        # Or anybody could take the id under which a service is going to ask.
        raise Problem("forbidden", "an id with a colon is a service's; choose one without")
    known = await asyncio.to_thread(_known, services, caller, given.id)
    client = await services.temporal.client()
    try:
        handle = await start(
            client,
            given.request(),
            id=given.id,
            task_queue=services.task_queue,
            by=caller.person,
            channel="rest",
        )
    except UsageError as error:
        raise _taken(given.id) from error
    response.headers["Location"] = f"/api/v1/requests/{handle.id}"
    status = await _begun(services, handle)
    response.status_code = 202 if status is None else 200 if known else 201
    stranger = await asyncio.to_thread(services.people.get, given.requester) is None
    warnings = [about_stranger(given.requester)] if stranger else []
    return Begun(id=handle.id, status=status, warnings=warnings)


def _known(services: ServicesDep, caller: Caller, request_id: str | None) -> bool:
    """Whether it is there. Raises where it is not the caller's to see, also where Temporal has
    forgotten it: under its id, they would be shown what was asked then.
    """
    if request_id is None or services.inbox.get(request_id) is None:
        return False
    try:
        find(services, caller, request_id)
    except Problem:
        raise _taken(request_id) from None
    return True


def _taken(request_id: str | None) -> Problem:
    """In the same words whatever has the id: a request, somebody else's, or no request at all."""
    return Problem("id-taken", f"the id {request_id!r} is taken; choose another one")


async def _begun(services: ServicesDep, handle: ApprovalHandle) -> Status | None:
    """As soon as it is in the inbox; None if that takes long."""
    refused = asyncio.create_task(_refusal(handle))
    try:
        async with asyncio.timeout(_SECONDS + services.patience.total_seconds()):
            while True:
                row = await asyncio.to_thread(services.inbox.get, handle.id)
                if row is not None:
                    return Status.read(row.status | {"details": row.details})
                if refused.done() and (reason := refused.result()):
                    raise Problem("refused", reason)
                await asyncio.wait([refused], timeout=_LOOK_EVERY)
                if refused.done():
                    await asyncio.sleep(_LOOK_EVERY)
    except TimeoutError:
        return None
    finally:
        refused.cancel()
        with suppress(asyncio.CancelledError):
            await refused


async def _refusal(handle: ApprovalHandle) -> str | None:
    """Why nobody was asked; None where somebody was, or where it cannot be known."""
    try:
        await handle.result()
    except ApprovalRefused as refused:
        return refused.message
    except (WorkflowFailureError, ServerError, ApprovalNotFound):
        return None  # whoever looks at the request is told
    return None
