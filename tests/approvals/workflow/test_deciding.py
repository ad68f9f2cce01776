"""Decisions are applied once, and are on record when the reply comes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pydantic import BaseModel

from musterwerk.approvals import ApprovalRequest, Escalation, Level, Policy, names, start
from musterwerk.approvals.acts import Decide
from musterwerk.approvals.model import ACT
from tests.approvals.desk import FINANCE, Desk
from tests.waiting import PATIENCE, until_async


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


async def test_an_act_that_came_twice_is_not_looked_up_twice(served: Desk) -> None:
    handle = await served.ask(Policy(approvers=("group:finance",), quorum=2))
    act = Decide(id="click", by="anna", outcome="approve")
    await handle.act(act, wait=PATIENCE)
    raw = served.client.get_workflow_handle(handle.id)
    await raw.signal(ACT, act.as_json())  # the same update would not come in twice
    await handle.approve(by="ben", wait=PATIENCE)
    assert (await handle.result()).by == ("anna", "ben")
    started = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        async for event in raw.fetch_history_events()
    ]
    assert started.count(names.FACTS) == 3, "at its start, and once for each of two acts"


async def test_two_at_once_one_wins_and_both_know(served: Desk) -> None:
    handle = await served.ask()
    replies = await asyncio.gather(
        handle.approve(by="anna", wait=PATIENCE),
        handle.reject("no", by="ben", wait=PATIENCE),
    )
    assert sorted(reply.verdict for reply in replies) == ["applied", "closed"]
    lost = next(reply for reply in replies if reply.verdict == "closed")
    decision = await handle.result()
    assert lost.by == decision.by
    assert "too late" in lost.message


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


async def test_escalation_in_real_time(desk: Desk) -> None:
    policy = Policy(
        approvers=("anna",),
        escalations=(Escalation(after=timedelta(seconds=1), to=("group:managers",)),),
        expires_after=timedelta(minutes=10),
    )
    async with desk.worker():
        handle = await desk.ask(policy)

        async def escalated() -> bool:
            return (await handle.status()).escalated == 1

        await until_async(escalated)
        assert (await handle.approve(by="mia")).ok


async def test_one_megabyte_of_details(served: Desk) -> None:
    handle = await served.ask(details={"text": "x" * 1_000_000})
    shown = await handle.status()
    assert len(shown.details["text"]) == 1_000_000
    assert (await handle.approve(by="anna", digest=shown.digest)).ok


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


async def test_the_same_content_asked_again_is_not_what_was_shown(served: Desk) -> None:
    """A consent that was on its way to January's request must not pay February's."""
    first = await served.ask()
    shown = await first.status()
    await first.withdraw(by="rita")
    await first.result()
    second = await served.ask()
    assert (await second.approve(by="anna", digest=shown.digest)).verdict == "changed"
    assert (await second.approve(by="anna", digest=(await second.status()).digest)).ok
