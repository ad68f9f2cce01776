"""Acts that are not lost: kept in our database first, then sent to the workflow.

Whatever fails after that, the relay sends the same act with the same id again, and the workflow
takes each id once.
"""

from __future__ import annotations

import asyncio
import logging

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from musterwerk.approvals import ApprovalHandle, Reply, Status
from musterwerk.approvals.acts import Act, read_act
from musterwerk.approvals.keeping import telling
from musterwerk.approvals.model import WITHDRAWN
from musterwerk.approvals.outside import ended_outside
from musterwerk.approvals.state import Record
from musterwerk.canonical import content_of
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services
from musterwerk.errors import ApprovalNotFound, ApprovalRefused, ServerError, UsageError
from musterwerk.store.act_table import ActRow

#: After the worker's own time; a person waits no longer for a server that is away.
_SECONDS = 2.0
ON_ITS_WAY = "recorded; it is applied as soon as the workflow can be reached"
_GONE = "Temporal does not know this request any more: nothing was changed"

_log = logging.getLogger(__name__)


class Away(Exception):
    """Temporal does not answer; the act stays where it is."""


async def perform(services: Services, request_id: str, act: Act) -> Reply:
    """What became of it, as far as is known. Again with the same id, it is the same act."""
    kept = await asyncio.to_thread(
        services.acts.put, act.id, request_id, act.by, act.as_json(), services.now()
    )
    if content_of(kept.act) != content_of(act.as_json()):
        raise Problem("key-reused", f"{act.id!r} stands for another act on this request")
    if kept.reply is not None:
        return Reply.read(kept.reply)
    try:
        return await send(services, kept)
    except Away as away:
        _log.warning("%s on %s waits: %s", act.id, request_id, away)
        return Reply(act_id=act.id, verdict="recorded", message=ON_ITS_WAY)


async def send(services: Services, row: ActRow) -> Reply:
    """Raises `Away`. What is known after that is kept."""
    try:
        async with asyncio.timeout(_SECONDS + services.patience.total_seconds()):
            handle = await _handle(services, row)
            reply = await handle.act(read_act(row.act))
    except (TimeoutError, ServerError, RPCError) as error:
        raise Away(str(error) or "no answer in time") from error
    except ApprovalNotFound:
        reply = _closed(row, _GONE)
    except (ApprovalRefused, UsageError) as error:
        reply = _closed(row, getattr(error, "message", str(error)))
    if reply.state == WITHDRAWN:
        await asyncio.to_thread(_repair, services, row.request_id)
    await _keep(services, row, reply)
    return reply


async def look(services: Services, row: ActRow) -> Reply | None:
    """What became of an act that Temporal has; None while it is not known. Raises `Away`."""
    try:
        async with asyncio.timeout(_SECONDS):
            handle = await _handle(services, row)
            reply = await handle.reply(row.id, act=read_act(row.act))
            ended = reply is None and await _has_ended(services, row)
    except ApprovalNotFound:
        reply, ended = _closed(row, _GONE), False
    except (TimeoutError, ServerError, RPCError) as error:
        raise Away(str(error) or "no answer in time") from error
    if ended:
        return await send(services, row)  # is told that it came too late
    if reply is not None:
        await _keep(services, row, reply)
    return reply


async def _handle(services: Services, row: ActRow) -> ApprovalHandle:
    client = await services.temporal.client()
    return ApprovalHandle(client, row.request_id, patience=services.patience)


async def _has_ended(services: Services, row: ActRow) -> bool:
    client = await services.temporal.client()
    found = await client.get_workflow_handle(row.request_id).describe()
    return found.status is not WorkflowExecutionStatus.RUNNING


async def _keep(services: Services, row: ActRow, reply: Reply) -> None:
    if reply.verdict == "recorded":
        known = row.id, row.request_id, "recorded", services.now()
        await asyncio.to_thread(services.acts.state, *known)
    else:
        answered = row.id, row.request_id, "done", services.now(), reply.as_json()
        await asyncio.to_thread(services.acts.state, *answered)


def _repair(services: Services, request_id: str) -> None:
    """Ended from outside, it could not say so: it would wait in inboxes for ever."""
    found = services.inbox.get(request_id)
    if found is not None and found.is_open:
        status = Status.read(found.status | {"details": found.details})
        record = Record(
            namespace=found.namespace, run_id=found.run_id, parent=found.parent, status=status
        )
        services.inbox.replace([telling(ended_outside(record, services.now()))])


def _closed(row: ActRow, message: str) -> Reply:
    return Reply(act_id=row.id, verdict="closed", message=message, state="unknown")
