"""Signals and updates as anybody can send them, past the client."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowUpdateFailedError

from musterwerk.approvals import Policy
from musterwerk.approvals.acts import Amend, Decide
from tests.approvals.desk import Desk
from tests.waiting import until_async


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


def test_acts_are_read_back() -> None:
    act = Decide(id="1", by="anna", outcome="approve", answer={"x": [1, None]})
    assert Decide.read(act.as_json()) == act
    assert Amend.read(Amend(id="2", by="b", details=[1]).as_json()).details == [1]
