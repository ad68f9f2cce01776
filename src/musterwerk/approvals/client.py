"""Requests from outside a workflow: starting one, deciding, and looking at it."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypedDict

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import RetryPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import Unpack

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
    Reply,
    Withdraw,
)
from musterwerk.approvals.asking import TASK_TIMEOUT, checked_id, decision_of, summary
from musterwerk.approvals.model import (
    ACT,
    REPLY,
    STATUS,
    TASK_QUEUE,
    WITHDRAWN,
    WORKFLOW,
    A,
    ApprovalRequest,
    Channel,
    Decision,
)
from musterwerk.approvals.policy import APPROVE, REJECT
from musterwerk.approvals.state import Status
from musterwerk.canonical import canonical, content_of
from musterwerk.errors import ApprovalNotFound, ApprovalRefused, ServerError, UsageError

#: How long a worker has to answer before the act is sent as a signal, which needs none.
PATIENCE = timedelta(milliseconds=100)
_CONTENT = "musterwerk_content"
_LOOK_EVERY = 0.05
_QUERY = timedelta(seconds=5)
_SIGNAL = timedelta(seconds=5)
_MOMENT = timedelta(milliseconds=20)
#: Between its start and its first record a request has no status.
_BEGINS_WITHIN = timedelta(seconds=10)


async def start(
    client: Client,
    request: ApprovalRequest[A],
    *,
    id: str | None = None,
    task_queue: str = TASK_QUEUE,
    by: str | None = None,
    channel: Channel = "library",
    patience: timedelta = PATIENCE,
) -> ApprovalHandle[A]:
    """Ask people, from outside a workflow. The same id and content again is the same request.

    `by` and `channel` are who sends it, where that is not the requester, and by which way: they
    are on record.

    Raises `UsageError` where the id belongs to another request.
    """
    identity = checked_id(id or f"approval-{secrets.token_hex(8)}")
    try:
        await client.start_workflow(
            WORKFLOW,
            args=[request.as_json(), None, {"by": by or request.requester, "channel": channel}],
            id=identity,
            task_queue=task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            task_timeout=TASK_TIMEOUT,
            retry_policy=RetryPolicy(maximum_attempts=1),
            memo={_CONTENT: _content(request)},
            static_summary=summary(request.subject),
        )
    except WorkflowAlreadyStartedError:
        found = await client.get_workflow_handle(identity).describe()
        if await found.memo_value(_CONTENT, None) != _content(request):
            raise UsageError(
                f"the id {identity!r} belongs to another request; choose another one"
            ) from None
    return ApprovalHandle(client, identity, request.answer, patience=patience)


class RejectOptions(TypedDict, total=False):
    """`wait`: how long to wait for the final word where no worker answers at once."""

    digest: str | None
    on_behalf_of: str | None
    channel: Channel
    act_id: str | None
    wait: timedelta


class DecideOptions(RejectOptions, total=False):
    reason: str
    answer: Any


class ApprovalHandle(Generic[A]):
    """A request, for whoever decides, looks or waits.

    Each act says who does it (`by`) and gets a `Reply`. It is durable when this returns: applied
    and on record, or, where no worker answered at once, "recorded", and applied when one does.
    `wait` says how long to wait for more than that. The same `act_id` again does nothing twice.
    `patience` is how long a worker has to answer at once. Decisions carry this machine's time;
    with `dated=False` they count when they arrive, which is what a test under virtual time needs.
    """

    def __init__(
        self,
        client: Client,
        id: str,
        answer: type[A] | None = None,
        *,
        patience: timedelta = PATIENCE,
        dated: bool = True,
    ) -> None:
        self.id = id
        self.patience = patience
        self.dated = dated
        self._client = client
        self._answer = answer
        self._workflow: WorkflowHandle[Any, dict[str, Any]] = client.get_workflow_handle(
            id, result_type=dict[str, Any]
        )

    async def approve(self, *, by: str, **options: Unpack[DecideOptions]) -> Reply:
        return await self.decide(APPROVE, by=by, **options)

    async def reject(self, reason: str, *, by: str, **options: Unpack[RejectOptions]) -> Reply:
        return await self.decide(REJECT, by=by, reason=reason, **options)

    async def decide(
        self,
        outcome: str,
        *,
        by: str,
        reason: str = "",
        answer: Any = None,
        digest: str | None = None,
        on_behalf_of: str | None = None,
        channel: Channel = "library",
        act_id: str | None = None,
        wait: timedelta = timedelta(0),
    ) -> Reply:
        """`digest` is that of the status that was shown: if it changed since, look again."""
        act = Decide(
            id=act_id or new_id(),
            by=by,
            channel=channel,
            made_at=datetime.now(UTC) if self.dated else None,
            outcome=outcome,
            reason=reason,
            answer=answer,
            digest=digest,
            on_behalf_of=on_behalf_of,
        )
        return await self.act(act, wait=wait)

    async def claim(self, *, by: str) -> Reply:
        """For this and what follows `act` has the options: an id of your own, a channel."""
        return await self.act(Claim(id=new_id(), by=by))

    async def release(self, *, by: str) -> Reply:
        return await self.act(Release(id=new_id(), by=by))

    async def delegate(
        self, to: str, *, by: str, holder: str | None = None, reason: str = ""
    ) -> Reply:
        return await self.act(Delegate(id=new_id(), by=by, to=to, holder=holder, reason=reason))

    async def request_info(self, text: str, *, by: str) -> Reply:
        return await self.act(Ask(id=new_id(), by=by, text=text))

    async def inform(self, text: str, *, by: str) -> Reply:
        return await self.act(Inform(id=new_id(), by=by, text=text))

    async def comment(self, text: str, *, by: str) -> Reply:
        return await self.act(Comment(id=new_id(), by=by, text=text))

    async def amend(self, *, by: str, subject: str | None = None, details: Any = None) -> Reply:
        return await self.act(Amend(id=new_id(), by=by, subject=subject, details=details))

    async def withdraw(self, reason: str = "", *, by: str) -> Reply:
        return await self.act(Withdraw(id=new_id(), by=by, reason=reason))

    async def act(self, act: Act, *, wait: timedelta = timedelta(0)) -> Reply:
        """Raises `ServerError` where nothing was sent, `ApprovalNotFound`, `UsageError`."""
        began = asyncio.get_running_loop().time()
        try:
            # Accepted is durable; who waits for more than that waits for the final word.
            update = await self._workflow.start_update(  # pyright: ignore[reportUnknownMemberType]
                ACT,
                act.as_json(),
                id=_update_id(act),
                wait_for_stage=WorkflowUpdateStage.ACCEPTED,
                result_type=dict[str, Any],
                rpc_timeout=self.patience,
            )
            left = self.patience.total_seconds() - asyncio.get_running_loop().time() + began
            return await self._final(act, update, max(timedelta(seconds=left), wait))
        except WorkflowUpdateFailedError as failure:
            if _ended_meanwhile(failure):
                return await self._over(act)
            raise _refusal(failure) from failure
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            _unless_cancelled()  # no worker answered at once
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return await self._over(act)
            if error.status is not RPCStatusCode.RESOURCE_EXHAUSTED:
                raise _away(error) from error
        return await self._by_signal(act, act.as_json(), wait)

    async def _final(
        self, act: Act, update: WorkflowUpdateHandle[dict[str, Any]], patience: timedelta
    ) -> Reply:
        try:
            return Reply.read(await update.result(rpc_timeout=max(patience, _MOMENT)))
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            _unless_cancelled()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return await self._over(act)
            # The server went away after it had taken the act.
        return _recorded(act)

    async def _by_signal(self, act: Act, given: dict[str, Any], wait: timedelta) -> Reply:
        try:
            await self._workflow.signal(ACT, given, rpc_timeout=_SIGNAL)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return await self._over(act)
            raise _away(error) from error
        found = await self.reply(act.id, wait=wait, act=act) if wait else None
        return found or _recorded(act)

    async def reply(
        self, act_id: str, *, wait: timedelta = timedelta(0), act: Act | None = None
    ) -> Reply | None:
        """What became of an act that was recorded; None while it is not known. With the `act`
        itself it is never the reply to another one that has its id."""
        asked = [act_id] if act is None else [act_id, act.as_json()]
        async for _ in _for(wait):
            try:
                found = await self._workflow.query(REPLY, args=asked, rpc_timeout=_QUERY)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise self._unknown() from error
                found = None
            except WorkflowQueryFailedError:
                found = None
            if found is not None:
                return Reply.read(found)
        return None

    async def status(self) -> Status:
        """Needs a worker. Raises `ApprovalRefused` where the request was refused at the start."""
        async for _ in _for(_BEGINS_WITHIN):
            try:
                found = await self._workflow.query(STATUS, rpc_timeout=_QUERY)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise self._unknown() from error
                raise _away(error) from error
            except WorkflowQueryFailedError as error:
                raise ServerError(f"{self.id} does not answer: {error}; try again") from error
            if found is not None:
                return Status.read(found)
            if (await self._workflow.describe()).status is not WorkflowExecutionStatus.RUNNING:
                await self.result()
        raise ServerError(f"{self.id} has not begun yet: is its database away? Try again")

    async def result(self) -> Decision[A]:
        """Wait for the end. Raises `ApprovalRefused` with the reason."""
        try:
            return decision_of(await self._workflow.result(), self._answer)
        except WorkflowFailureError as failure:
            cause = failure.cause
            if isinstance(cause, ApplicationError) and cause.type == "ApprovalRefused":
                raise ApprovalRefused(cause.message) from failure
            raise
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise self._unknown() from error
            raise _away(error) from error

    async def _over(self, act: Act) -> Reply:
        """It has ended: by this very act whose reply was late, or before it."""
        try:
            decision = await self.result()
        except WorkflowFailureError:
            message = "it was ended from outside, without a decision"
            return Reply(act_id=act.id, verdict="closed", message=message, state=WITHDRAWN)
        if not isinstance(act, Decide) and (found := await self.reply(act.id, act=act)) is not None:
            return found  # needs a worker, as nothing else here does
        said = (act.id, act.by, act.outcome) if isinstance(act, Decide) else None
        mine = any((one.act_id, one.person, one.outcome) == said for one in decision.votes)
        who = ", ".join(decision.by) or "nobody"
        late = f"too late: it ended as {decision.state!r} by {who} at {decision.at:%F %T} UTC"
        return Reply(
            act_id=act.id,
            actor=act.by,
            verdict="applied" if mine else "closed",
            message=f"the request is {decision.state}" if mine else late,
            state=decision.state,
            outcome=decision.outcome,
            by=decision.by,
            at=decision.at,
            digest=decision.digest,
        )

    def _unknown(self) -> ApprovalNotFound:
        return ApprovalNotFound(
            f"no request {self.id!r} is known to Temporal (any more); "
            "`musterwerk approvals list` shows those that are"
        )


def _update_id(act: Act) -> str:
    """One for each act: Temporal would answer another one with this id by the first one's reply."""
    return hashlib.sha256(canonical([act.by, act.id, content_of(act.as_json())])).hexdigest()


def _content(request: ApprovalRequest[Any]) -> str:
    """Of all of it, also of the policy."""
    return hashlib.sha256(canonical(request.as_json())).hexdigest()


def _recorded(act: Act) -> Reply:
    return Reply(act_id=act.id, actor=act.by, verdict="recorded", message="recorded, being applied")


def _unless_cancelled() -> None:
    """The SDK has the same error for its own time-out and for a caller who was cancelled."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError from None


def new_id() -> str:
    return f"act-{secrets.token_hex(12)}"


def _ended_meanwhile(failure: WorkflowUpdateFailedError) -> bool:
    """The workflow was ended from outside before it could answer."""
    cause = failure.cause
    return isinstance(cause, ApplicationError) and cause.type == "AcceptedUpdateCompletedWorkflow"


def _refusal(failure: WorkflowUpdateFailedError) -> Exception:
    cause = failure.cause
    if isinstance(cause, ApplicationError) and cause.type == "ApprovalRefused":
        return ApprovalRefused(cause.message)
    return UsageError(cause.message if isinstance(cause, ApplicationError) else str(cause))


def _away(error: RPCError) -> ServerError:
    return ServerError(
        f"the Temporal server says: {error.message}. Perhaps nothing was recorded; "
        "sending the same again does no harm"
    )


async def _for(wait: timedelta) -> AsyncIterator[None]:
    """Once, and again until the time is over."""
    end = asyncio.get_running_loop().time() + wait.total_seconds()
    yield
    while asyncio.get_running_loop().time() < end:
        await asyncio.sleep(_LOOK_EVERY)
        yield
