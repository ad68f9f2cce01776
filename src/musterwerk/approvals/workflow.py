"""`musterwerk.Approval`: one request from the question to its end.

A thin shell around the rules. Acts and the clock are taken in one order: what somebody did before
a deadline counts, even if it could be looked at only afterwards. Nothing takes effect before it
is on record, and no reply is given before that.

No activity is a local one. What writes must not run before the server has the act in its history,
or something would be on record that never happened. And while a local activity runs, the workflow
task may be prolonged: `workflow.now()` before it is then another one on replay.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ApplicationError

from musterwerk.approvals import clock, course, names, rules, seats, views, voting
from musterwerk.approvals.acts import (
    Act,
    Asked,
    Decide,
    Facts,
    Plan,
    Planning,
    Question,
    Reply,
    Withdraw,
    read_act,
)
from musterwerk.approvals.change import Step
from musterwerk.approvals.model import (
    ACT,
    CONSOLE_ATTRIBUTE,
    RECORD,
    REPLY,
    STATUS,
    WORKFLOW,
    ApprovalRequest,
)
from musterwerk.approvals.state import ApprovalState, Record
from musterwerk.errors import ApprovalRefused
from musterwerk.shielding import shielded

#: The server keeps trying, without a line in the history.
_FOR_EVER = RetryPolicy(
    initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
)
#: Characters of a reason, as in `acts.Text`.
_LONGEST = 20_000
#: A busy SQLite may take ten seconds. What a killed worker had begun is tried again after fewer:
#: it shows no life meanwhile.
_LIMIT = timedelta(seconds=12)
_LIFE = timedelta(seconds=2)

#: So long a Keyword may be in Temporal's databases.
_LONGEST_KEYWORD = 255
_PAGE = SearchAttributeKey.for_keyword(CONSOLE_ATTRIBUTE)

#: Channels that only the workflow itself writes.
_OURS = ("parent", "clock", "signal")


class _Waiting:
    """An act in the queue; `reply` is there when it is on record."""

    def __init__(self, act: Act, arrived: datetime) -> None:
        self.act = act
        self.at = min(act.made_at or arrived, arrived)
        self.reply: Reply | None = None


@workflow.defn(name=WORKFLOW)
class ApprovalWorkflow:
    """`given` is an `ApprovalRequest` as JSON, `asked` who sent it; `carried` is its own."""

    @workflow.init
    def __init__(
        self,
        given: dict[str, Any],
        carried: dict[str, Any] | None = None,
        asked: dict[str, Any] | None = None,
    ) -> None:
        self._asked = asked
        self._queue: deque[_Waiting] = deque()
        self._state: ApprovalState | None = None
        self._refused: ApprovalRefused | None = None
        self._was_reset = False
        # Temporal changes the seed at a reset, exactly where the new run begins.
        workflow.register_random_seed_callback(self._on_new_seed)
        if carried is not None:
            self._state = ApprovalState.read({**carried, "request": given})
            _show(self._state.page)
        self._recorded_revision = self._state.revision if self._state else 0

    @workflow.run
    async def run(
        self,
        given: dict[str, Any],
        carried: dict[str, Any] | None = None,
        asked: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        try:
            state = await shielded(self._serve(given), self._withdraw)
        except ApprovalRefused as refused:
            self._refused = refused  # whoever was quick enough to decide already hears it, too
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise
        await workflow.wait_condition(workflow.all_handlers_finished)
        return views.decision(state).as_json()

    @workflow.update(name=ACT)
    async def act(self, given: dict[str, Any]) -> dict[str, Any]:
        waiting = self._enqueue(read_act(given))
        await workflow.wait_condition(lambda: bool(waiting.reply or self._refused))
        if waiting.reply is None:
            raise ApprovalRefused(str(self._refused))
        return waiting.reply.as_json()

    @act.validator
    def _validate(self, given: dict[str, Any]) -> None:
        _read(given)

    @workflow.signal(name=ACT)
    def act_later(self, given: dict[str, Any]) -> None:
        """As the update, for when no worker answers; the reply is asked for by query."""
        try:
            self._enqueue(_read(given))
        except ApplicationError as error:
            workflow.logger.error("ignored a signal %s: %s", ACT, error.message)

    @workflow.signal
    def approve(self) -> None:
        self._enqueue(self._anonymous("approve", ""))

    @workflow.signal
    def reject(self, reason: str) -> None:
        self._enqueue(self._anonymous("reject", reason or "no reason was given"))

    @workflow.query
    def get_status(self) -> dict[str, Any]:
        return views.chapter_status(self._state) if self._state else {"pending": True}

    @workflow.query(name=STATUS)
    def status(self) -> dict[str, Any] | None:
        return views.status(self._state).as_json() if self._state else None

    @workflow.query(name=REPLY)
    def reply(self, act_id: str, given: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """With the act itself, `given`, the reply is to that one: its id may stand for another."""
        if self._state is None or not self._is_recorded(act_id):
            return None
        found = self._state.replies.get(act_id)
        if given is not None:
            step = rules.at_once(self._state, _read(given))
            found = step.reply if step else None
        return found.as_json() if found else None

    @workflow.query(name=RECORD)
    def record(self) -> dict[str, Any] | None:
        """All that the database needs to have this request again; and its record, for auditors."""
        if self._state is None:
            return None
        kept = self._record(Step(self._state), details=True).as_json()
        return {**kept, "version": self._state.version, "record": self._state.record}

    def _on_new_seed(self, seed: int) -> None:
        self._was_reset = True

    def _anonymous(self, outcome: str, reason: str) -> Decide:
        return Decide(
            id=f"signal-{workflow.uuid4()}",
            by=voting.ANYBODY,
            channel="signal",
            outcome=outcome,
            reason=reason[:_LONGEST],
        )

    def _withdraw(self) -> None:
        parent = workflow.info().parent
        by = _as_name(parent.workflow_id) if parent else "Temporal"
        reason = workflow.cancellation_reason() or "the workflow that asked has ended"
        reason = reason[:_LONGEST]
        self._enqueue(
            Withdraw(id=f"cancel-{workflow.uuid4()}", by=by, channel="parent", reason=reason)
        )

    def _enqueue(self, act: Act) -> _Waiting:
        waiting = _Waiting(act, workflow.now())
        self._queue.append(waiting)
        return waiting

    def _is_recorded(self, act_id: str) -> bool:
        return not any(waiting.act.id == act_id for waiting in self._queue)

    async def _serve(self, given: dict[str, Any]) -> ApprovalState:
        state = self._state or await self._open(given)
        while state.is_open:
            state = await self._work(state)
            if state.is_open and not self._queue:
                await self._continue_as_new_if_long(state)
                await self._something(state)
        while self._queue:  # too late, but answered
            state = await self._take(state, self._queue[0])
        return state

    async def _open(self, given: dict[str, Any]) -> ApprovalState:
        now = workflow.now()
        try:
            request = ApprovalRequest[Any].read(given)
            sender = Asked.read(self._asked) if self._asked else None
        except ValidationError as error:
            raise ApprovalRefused(_in_words(error)) from None
        planning = Planning(policy=request.policy, level=0, started=now, since=now)
        asked = Question(
            principals=seats.principals(request), people=(), requester=request.requester, at=now
        )
        plan, found = await asyncio.gather(self._plan(planning), _ask(names.FACTS, asked.as_json()))
        facts = Facts.read(found)
        by = sender.by if sender else None
        flaws = [*plan.flaws, *seats.why_never(request, facts, by)]
        if flaws or plan.timeline is None:
            raise ApprovalRefused("the policy can never be met: " + "; ".join(flaws))
        page = _page(plan.console)
        _show(page)
        if page and plan.indexed and len(page) <= _LONGEST_KEYWORD:
            workflow.upsert_search_attributes(  # pyright: ignore[reportUnknownMemberType]
                [_PAGE.value_set(page)]
            )
        step = course.begin(
            workflow.info().workflow_id, request, plan.timeline, facts, now, sender, page
        )
        return await self._keep(step)

    async def _something(self, state: ApprovalState) -> None:
        """Wait for an act, or for what the clock does next: one timer at a time."""
        due = clock.next_due(state)
        patience = max(due.at - workflow.now(), timedelta(0)) if due else None
        try:
            await workflow.wait_condition(
                lambda: bool(self._queue),
                timeout=patience,
                timeout_summary=due.event if due else None,
            )
        except TimeoutError:
            return

    async def _work(self, state: ApprovalState) -> ApprovalState:
        if self._was_reset:
            self._was_reset = False
            state = await self._keep(rules.after_reset(state, workflow.now()))
        while self._queue and state.is_open:
            # What was done first comes first, however late it could be sent.
            first = min(self._queue, key=lambda waiting: waiting.at)
            state = await self._clock(state, first.at)
            state = await self._take(state, first)
        return await self._clock(state, workflow.now())

    async def _clock(self, state: ApprovalState, at: datetime) -> ApprovalState:
        while (step := clock.tick(state, at)) is not None:
            state = await self._keep(step)
            if step.review:
                state = await self._keep(rules.review(state, await self._facts(state, at), at))
        return state

    async def _facts(self, state: ApprovalState, at: datetime) -> Facts:
        asked = Question(
            principals=seats.principals(state.request),
            people=tuple(dict.fromkeys(state.delegations.values())),
            requester=state.request.requester,
            at=max(at, state.updated_at),
        )
        return Facts.read(await _ask(names.FACTS, asked.as_json()))

    async def _take(self, state: ApprovalState, waiting: _Waiting) -> ApprovalState:
        step = rules.at_once(state, waiting.act)
        if step is None:
            asked = rules.question(state, waiting.act, waiting.at)
            facts = Facts.read(await _ask(names.FACTS, asked.as_json()))
            step = rules.apply(state, waiting.act, facts, waiting.at)
        state = await self._keep(step)
        waiting.reply = step.reply
        self._queue.remove(waiting)
        return state

    async def _keep(self, step: Step) -> ApprovalState:
        """A step is taken when it is on record."""
        if step.plan:
            state = step.state
            plan = await self._plan(
                Planning(
                    policy=state.request.policy,
                    level=state.level,
                    started=state.started_at,
                    since=state.level_since,
                )
            )
            timeline = plan.timeline or state.timeline
            step = Step(rules.planned(state, timeline), step.entries, step.notices, step.reply)
        if step.entries:
            new = step.state.revision != self._recorded_revision
            await workflow.execute_activity(
                names.RECORD,
                self._record(step, details=new).as_json(),
                start_to_close_timeout=_LIMIT,
                heartbeat_timeout=_LIFE,
                retry_policy=_FOR_EVER,
            )
            self._recorded_revision = step.state.revision
        self._state = step.state
        return step.state

    async def _plan(self, planning: Planning) -> Plan:
        return Plan.read(await _ask(names.PLAN, planning.as_json()))

    def _record(self, step: Step, *, details: bool) -> Record:
        info = workflow.info()
        replies = () if step.reply is None else (step.reply,)
        contents = step.state.contents
        return Record(
            namespace=info.namespace,
            run_id=info.run_id,
            parent=info.parent.workflow_id if info.parent else None,
            status=views.status(step.state, details=details),
            entries=step.entries,
            notices=step.notices,
            replies=replies,
            contents={o.act_id: contents[o.act_id] for o in replies if o.act_id in contents},
        )

    async def _continue_as_new_if_long(self, state: ApprovalState) -> None:
        if not workflow.info().is_continue_as_new_suggested():
            return
        # Whoever was just answered has to hear it first.
        await workflow.wait_condition(lambda: workflow.all_handlers_finished() or bool(self._queue))
        if not self._queue:
            carried = state.model_dump(mode="json", exclude={"request"})
            workflow.continue_as_new(args=[state.request.as_json(), carried])


def _read(given: Mapping[str, Any]) -> Act:
    try:
        act = read_act(given)
        if act.channel in _OURS:
            raise ApplicationError(
                f"the channel {act.channel!r} is not for acts from outside",
                type="NotAnAct",
                non_retryable=True,
            )
        return act
    except ValidationError as error:
        raise ApplicationError(
            f"this is nothing that can be done to a request: {_in_words(error)}",
            type="NotAnAct",
            non_retryable=True,
        ) from None


def _as_name(workflow_id: str) -> str:
    """A workflow's id may hold anything."""
    printable = "".join(c if c.isprintable() else "?" for c in workflow_id)
    return printable[:150].strip() or "workflow"


def _in_words(error: ValidationError) -> str:
    flaws = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in flaws[:5])


def _page(console: str | None) -> str | None:
    return f"{console}/requests/{quote(workflow.info().workflow_id)}" if console else None


def _show(page: str | None) -> None:
    """On the workflow's page in Temporal's own screens, which knows Markdown."""
    if page:
        workflow.set_current_details(f"[This request in the console]({page})")


async def _ask(activity: str, given: dict[str, Any]) -> dict[str, Any]:
    return await workflow.execute_activity(
        activity,
        given,
        start_to_close_timeout=_LIMIT,
        heartbeat_timeout=_LIFE,
        retry_policy=_FOR_EVER,
        result_type=dict[str, Any],
    )
