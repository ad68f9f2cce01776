"""A request is begun once, under its id, and refused if nobody could ever decide it."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client

from musterwerk.approvals import ApprovalHandle, ApprovalRequest, Policy, start
from musterwerk.approvals.client import new_id
from musterwerk.errors import ApprovalNotFound, ApprovalRefused, UsageError
from tests.approvals.desk import FINANCE, Desk


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


async def test_who_asks_for_a_service_is_on_record(served: Desk) -> None:
    request = ApprovalRequest[Any](subject="x", requester="billing", policy=FINANCE)
    handle = await start(served.client, request, by="otto", channel="cli", task_queue=served.queue)
    await handle.status()
    first = served.inbox.entries(handle.id)[0]
    assert (first.actor, first.channel, first.on_behalf_of) == ("otto", "cli", "billing")
