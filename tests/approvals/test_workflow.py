"""`musterwerk.Approval` on a real server, with a real database: what must never be lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateInput,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
)

from musterwerk.approvals import (
    ApprovalHandle,
    ApprovalRequest,
    Escalation,
    Level,
    Policy,
    start,
)
from musterwerk.approvals.acts import Amend, Comment, Decide
from musterwerk.approvals.client import new_id
from musterwerk.approvals.retained import retained
from musterwerk.errors import ApprovalNotFound, ApprovalRefused, UsageError
from musterwerk.store.audit import AuditTrail, Filter
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.auditing import verify
from tests.approvals.conftest import Desk
from tests.saga.test_resets import reset_to, task_after
from tests.waiting import until_async

FINANCE = Policy(approvers=("group:finance",))


async def test_approved_and_on_record(served: Desk) -> None:
    handle = await served.ask(details={"order": "C-17", "total": "730.00 EUR"})
    shown = await handle.status()
    assert shown.details == {"order": "C-17", "total": "730.00 EUR"}
    reply = await handle.approve(by="anna", digest=shown.digest)
    assert (reply.verdict, reply.state) == ("applied", "approved")
    decision = await handle.result()
    assert (str(decision), decision.by, decision.approved) == ("approved", ("anna",), True)
    row = served.inbox.get(handle.id)
    assert row is not None
    assert (row.status["state"], row.status["version"]) == ("approved", reply.version)


async def test_a_double_click_counts_once(served: Desk) -> None:
    handle = await served.ask(Policy(approvers=("group:finance",), quorum=2))
    replies = await asyncio.gather(
        *(handle.approve(by="anna", act_id="click") for _ in range(5)),
    )
    assert {reply.verdict for reply in replies} <= {"applied", "recorded"}
    await handle.approve(by="ben")
    decision = await handle.result()
    assert [vote.person for vote in decision.votes] == ["anna", "ben"]


async def test_two_at_once_one_wins_and_both_know(served: Desk) -> None:
    handle = await served.ask()
    replies = await asyncio.gather(
        handle.approve(by="anna", wait=timedelta(seconds=10)),
        handle.reject("no", by="ben", wait=timedelta(seconds=10)),
    )
    assert sorted(reply.verdict for reply in replies) == ["applied", "closed"]
    lost = next(reply for reply in replies if reply.verdict == "closed")
    decision = await handle.result()
    assert lost.by == decision.by
    assert "too late" in lost.message


async def test_decided_while_nobody_works(desk: Desk) -> None:
    """It is recorded by the server, and taken once, however often it was sent."""
    async with desk.worker():
        handle = await desk.ask(Policy(approvers=("group:finance",), quorum=2))
        await handle.status()
    unserved = desk.unserved().handle(handle.id)
    first = await unserved.approve(by="anna", act_id="a-1")
    again = await unserved.approve(by="anna", act_id="a-1")
    assert (first.verdict, again.verdict) == ("recorded", "recorded")
    async with desk.worker():
        found = await handle.reply("a-1", wait=timedelta(seconds=20))
        assert found is not None
        assert found.verdict == "applied"
        await handle.approve(by="ben")
        decision = await handle.result()
    assert [vote.person for vote in decision.votes] == ["anna", "ben"]


async def test_in_time_though_it_could_only_be_looked_at_later(desk: Desk) -> None:
    async with desk.worker():
        policy = Policy(approvers=("anna",), expires_after=timedelta(seconds=4))
        handle = await desk.ask(policy)
        status = await handle.status()
        late = await desk.ask(policy)
        await late.status()
    unserved = desk.unserved()
    assert (await unserved.handle(handle.id).approve(by="anna")).verdict == "recorded"
    assert status.expires_at is not None
    end = status.expires_at + timedelta(seconds=1)

    async def over() -> bool:
        return datetime.now(UTC) > end

    await until_async(over)
    too_late = await unserved.handle(late.id).approve(by="anna", act_id="late")
    assert too_late.verdict == "recorded"
    async with desk.worker():
        assert (await handle.result()).state == "approved"
        assert (await late.result()).state == "expired"
        reply = await late.reply("late", wait=timedelta(seconds=10))
    assert reply is not None
    assert reply.verdict == "closed"


async def test_the_chapters_signals_and_query(served: Desk) -> None:
    client = served.client
    handle = await served.ask(Policy(approvers=("anna",), allow_anonymous=True))
    raw = client.get_workflow_handle(handle.id)
    assert (await raw.query("get_status"))["pending"] is True
    await raw.signal("reject", "no budget")
    assert str(await handle.result()) == "rejected: no budget"
    status = await raw.query("get_status")
    assert (status["approved"], status["rejected"], status["pending"]) == (False, True, False)


async def test_a_bare_signal_is_refused_and_on_record(served: Desk) -> None:
    handle = await served.ask()
    await served.client.get_workflow_handle(handle.id).signal("approve")

    async def refused() -> bool:
        return any(e.event == "refused" for e in served.inbox.entries(handle.id))

    await until_async(refused)
    assert (await handle.status()).state == "open"


async def test_consent_is_to_what_was_shown(served: Desk) -> None:
    handle = await served.ask(details={"amount": "10.00"})
    shown = await handle.status()
    changed = await handle.amend(by="rita", details={"amount": "9999.00"})
    assert changed.ok
    assert (await handle.approve(by="anna", digest=shown.digest)).verdict == "changed"
    fresh = await handle.status()
    assert fresh.details == {"amount": "9999.00"}
    assert (await handle.approve(by="anna", digest=fresh.digest)).ok
    row = served.inbox.get(handle.id)
    assert row is not None
    assert row.details == {"amount": "9999.00"}


class Report(BaseModel):
    clear: bool
    score: int


async def test_a_typed_answer(served: Desk) -> None:
    request = ApprovalRequest(
        subject="Background check", requester="rita", policy=FINANCE, answer=Report
    )
    handle = await start(served.client, request, task_queue=served.queue, patience=served.patience)
    wrong = await handle.approve(by="anna", answer={"clear": "perhaps"})
    assert wrong.verdict == "invalid"
    assert "score" in wrong.message
    assert (await handle.approve(by="anna", answer={"clear": True, "score": 7})).ok
    decision = await handle.result()
    assert decision.answer == Report(clear=True, score=7)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy(approvers=("group:nobody",)), "group:nobody has nobody in it"),
        (Policy(approvers=("mallory",)), "nobody is known as 'mallory'"),
        (Policy(approvers=("group:finance",), quorum=4), "needs 4"),
        (Policy(approvers=("rita",), four_eyes=True), "four eyes"),
        (
            Policy.model_validate({"approvers": ["anna"], "calendar": "DE-XX"}),
            "DE has no part 'XX'",
        ),
    ],
)
async def test_refused_at_the_start_with_the_reason(
    desk: Desk, policy: Policy, reason: str
) -> None:
    async with desk.worker():
        handle = await desk.ask(policy)
        with pytest.raises(ApprovalRefused, match=reason):
            await handle.result()
        with pytest.raises(ApprovalRefused, match=reason):
            await handle.status()


async def test_who_was_removed_after_the_request_decides_no_more(served: Desk) -> None:
    handle = await served.ask()
    await handle.status()
    served.people.deactivate("anna", actor="test", channel="cli")
    assert (await handle.approve(by="anna")).verdict == "unknown_person"
    assert (await handle.approve(by="mallory")).verdict == "unknown_person"
    assert (await handle.approve(by="mia")).verdict == "not_entitled"
    assert (await handle.approve(by="ben")).ok


async def test_levels_and_a_delegate(served: Desk) -> None:
    levels = (Level(approvers=("anna",)), Level(approvers=("group:managers",)))
    handle = await served.ask(Policy(levels=levels, four_eyes=True))
    assert (await handle.delegate("carla", by="anna", reason="on the train")).ok
    assert (await handle.approve(by="carla")).ok
    status = await handle.status()
    assert (status.level, status.may_decide[0]) == (1, "group:managers")
    assert (await handle.approve(by="mia")).ok
    decision = await handle.result()
    assert [(v.person, v.on_behalf_of) for v in decision.votes] == [
        ("carla", "anna"),
        ("mia", None),
    ]


async def test_one_megabyte_of_details(served: Desk) -> None:
    handle = await served.ask(details={"text": "x" * 1_000_000})
    shown = await handle.status()
    assert len(shown.details["text"]) == 1_000_000
    assert (await handle.approve(by="anna", digest=shown.digest)).ok


async def test_too_late_after_the_workflow_is_closed(served: Desk) -> None:
    handle = await served.ask()
    first = await handle.approve(by="anna", act_id="mine")
    await handle.result()
    late = await handle.reject("no", by="ben")
    assert (late.verdict, late.by) == ("closed", ("anna",))
    assert await handle.approve(by="anna", act_id="mine") == first


async def test_the_same_id_is_the_same_request(served: Desk) -> None:
    request = ApprovalRequest[Any](subject="x", requester="rita", policy=FINANCE)
    one = await start(served.client, request, id=f"r-{new_id()}", task_queue=served.queue)
    two = await start(served.client, request, id=one.id, task_queue=served.queue)
    await two.approve(by="anna")
    assert (await one.result()).approved
    for change in ({"subject": "y"}, {"policy": Policy(approvers=("mallory",))}):
        other = request.model_copy(update=change)
        with pytest.raises(UsageError, match="another request"):
            await start(served.client, other, id=one.id, task_queue=served.queue)
    with pytest.raises(UsageError, match="no id"):
        await start(served.client, request, id="a/b", task_queue=served.queue)


async def test_an_id_that_nobody_knows(client: Client) -> None:
    with pytest.raises(ApprovalNotFound):
        await ApprovalHandle(client, "never-was").approve(by="anna")
    with pytest.raises(ApprovalNotFound):
        await ApprovalHandle(client, "never-was").status()


async def test_rubbish_changes_nothing(served: Desk) -> None:
    handle = await served.ask()
    raw = served.client.get_workflow_handle(handle.id)
    await handle.status()
    await raw.signal("act", {"kind": "decide"})
    await raw.signal("act", {"kind": "nonsense", "id": "1", "by": "anna"})
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await raw.execute_update(  # pyright: ignore[reportUnknownMemberType]
            "act", {"kind": "decide", "id": "1"}
        )
    assert "nothing that can be done" in str(refused.value.cause)
    assert (await handle.status()).state == "open"
    assert (await handle.approve(by="anna")).ok


async def test_a_cancelled_request_is_withdrawn(served: Desk) -> None:
    handle = await served.ask()
    await handle.status()
    await served.client.get_workflow_handle(handle.id).cancel()
    decision = await handle.result()
    assert (decision.state, decision.approved) == ("withdrawn", False)


async def test_asked_after_its_end_it_still_tells(served: Desk) -> None:
    handle = await served.ask()
    await handle.approve(by="anna")
    await handle.result()
    assert (await handle.status()).state == "approved"


def test_acts_are_read_back() -> None:
    act = Decide(id="1", by="anna", outcome="approve", answer={"x": [1, None]})
    assert Decide.read(act.as_json()) == act
    assert Amend.read(Amend(id="2", by="b", details=[1]).as_json()).details == [1]


async def test_escalation_in_real_time(desk: Desk) -> None:
    policy = Policy(
        approvers=("anna",),
        escalations=(Escalation(after=timedelta(seconds=1), to=("group:managers",)),),
        expires_after=timedelta(seconds=60),
    )
    async with desk.worker():
        handle = await desk.ask(policy)

        async def escalated() -> bool:
            return (await handle.status()).escalated == 1

        await until_async(escalated)
        assert (await handle.approve(by="mia")).ok


async def test_ended_from_outside(served: Desk) -> None:
    handle = await served.ask()
    await handle.status()
    await served.client.get_workflow_handle(handle.id).terminate()
    reply = await handle.approve(by="anna")
    assert (reply.verdict, "from outside" in reply.message) == ("closed", True)


class Sending(Interceptor, OutboundInterceptor):
    """Tells when an update is being sent."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        OutboundInterceptor.__init__(self, next)
        return self

    async def start_workflow_update(
        self, input: StartWorkflowUpdateInput
    ) -> WorkflowUpdateHandle[Any]:
        asyncio.get_running_loop().call_soon(self.begun.set)  # when the call below waits
        return await super().start_workflow_update(input)


async def test_who_is_cancelled_while_deciding_has_not_decided(desk: Desk) -> None:
    """Nobody answers, so the decision waits; cancelled now, it must not go out as a signal."""
    async with desk.worker():
        handle = await desk.ask()
        await handle.status()
    sending = Sending()
    config = desk.client.config()
    config["interceptors"] = [sending]
    hasty = ApprovalHandle(Client(**config), handle.id, patience=desk.patience)
    deciding = asyncio.create_task(hasty.approve(by="anna", act_id="never"))
    await sending.begun.wait()  # it is on its way to a worker that is not there
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    history = await desk.client.get_workflow_handle(handle.id).fetch_history()
    assert not any(
        event.HasField("workflow_execution_signaled_event_attributes") for event in history.events
    )


async def test_who_asks_for_a_service_is_on_record(served: Desk) -> None:
    request = ApprovalRequest[Any](subject="x", requester="billing", policy=FINANCE)
    handle = await start(served.client, request, by="otto", channel="cli", task_queue=served.queue)
    await handle.status()
    first = served.inbox.entries(handle.id)[0]
    assert (first.actor, first.channel, first.on_behalf_of) == ("otto", "cli", "billing")


async def test_nobody_speaks_for_the_workflow(served: Desk) -> None:
    """The channels of the workflow itself give rights that nobody has from outside."""
    handle = await served.ask()
    await handle.status()
    raw = served.client.get_workflow_handle(handle.id)
    forged = {"kind": "withdraw", "id": "w", "by": "mallory", "channel": "parent"}
    await raw.signal("act", forged)
    await raw.signal(
        "act",
        {"kind": "decide", "id": "d", "by": "x", "outcome": "approve"} | {"channel": "signal"},
    )
    assert (await handle.status()).state == "open"


async def test_the_same_content_asked_again_is_not_what_was_shown(served: Desk) -> None:
    """A consent that was on its way to January's request must not pay February's."""
    first = await served.ask()
    shown = await first.status()
    await first.withdraw(by="rita")
    await first.result()
    second = await served.ask()
    assert (await second.approve(by="anna", digest=shown.digest)).verdict == "changed"
    assert (await second.approve(by="anna", digest=(await second.status()).digest)).ok


async def test_what_was_done_in_time_comes_before_what_was_said_later(desk: Desk) -> None:
    """Nobody works; the decision reaches the server after a comment that was made too late."""
    async with desk.worker():
        handle = await desk.ask(Policy(approvers=("anna",), expires_after=timedelta(seconds=2)))
        status = await handle.status()
    end = status.expires_at
    assert end is not None
    raw = desk.client.get_workflow_handle(handle.id)

    async def over() -> bool:
        return datetime.now(UTC) > end

    await until_async(over)
    said = Comment(id="c", by="ben", text="too late?", made_at=end + timedelta(milliseconds=1))
    done = Decide(id="d", by="anna", outcome="approve", made_at=end - timedelta(seconds=1))
    await raw.signal("act", said.as_json())
    await raw.signal("act", done.as_json())
    async with desk.worker():
        assert (await handle.result()).state == "approved"


async def test_after_a_reset_a_new_story_begins(desk: Desk, tmp_path: Path) -> None:
    """The trail keeps what was before, and does not cry wolf."""
    folder = AuditFolder(tmp_path / "audit")
    async with desk.worker():
        handle = await desk.ask(Policy(approvers=("group:finance",), quorum=2))
        await handle.approve(by="anna")
        raw = desk.client.get_workflow_handle(handle.id)
        await reset_to(desk.client, raw, await task_after(raw, "musterwerk.approval_record"))

        await handle.reject("not any more", by="ben")
        assert (await handle.result()).state == "rejected"
        told = await retained(desk.client, desk.queue)
    row = desk.inbox.get(handle.id)
    assert row is not None
    assert row.status["state"] == "rejected"
    # Temporal sends again what was sent before: anna's consent is in both stories.
    events = [entry.event for entry in desk.inbox.entries(handle.id)]
    assert events == ["reset", "decided", "decided", "ended"]
    trail = AuditTrail(desk.store).latest(50, Filter(request_id=handle.id))
    decided = [line.actor for line in trail if line.event == "decided"]
    assert decided == ["anna", "anna", "ben"]
    verdict = verify(desk.store, folder, executions=lambda: told.executions)
    assert verdict.deviation is None
