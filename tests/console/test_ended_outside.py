"""A workflow that somebody terminated could not say so: its request would stay in inboxes."""

from __future__ import annotations

from typing import Any

from musterwerk.approvals.rebuilding import rebuild
from musterwerk.console.relay import ActRelay
from tests.console.office import Office, now, problem
from tests.waiting import until_async


async def _terminated(served: Office) -> dict[str, Any]:
    status = await served.ask()
    await served.outage.client.get_workflow_handle(status["request_id"]).terminate("by hand")
    return status


async def _boxes(served: Office, key: str) -> tuple[bool, bool]:
    """Whether it waits for anna, and whether it is among those that have ended."""
    mine = await served.get("anna", "/requests")
    decided = await served.get("anna", "/requests", box="decided")
    return key in _ids(mine), key in _ids(decided)


def _ids(page: dict[str, Any]) -> list[str]:
    return [one["request_id"] for one in page["items"]]


async def test_acts_are_told_that_it_was_ended_and_the_inbox_is_mended(served: Office) -> None:
    status = await _terminated(served)
    key = status["request_id"]
    assert await _boxes(served, key) == (True, False)
    document = problem(await served.decide("anna", status), 409, "closed")
    assert "ended from outside" in document["detail"]
    assert await _boxes(served, key) == (False, True)
    shown = await served.get("rita", f"/requests/{key}")
    assert (shown["state"], shown["reason"]) == ("withdrawn", "ended from outside")
    assert (shown["may_decide"], shown["details"]) == ([], {"order": "C-17"})


async def test_an_act_on_its_way_comes_to_an_end(served: Office) -> None:
    """The relay would try for ever."""
    status = await _terminated(served)
    key = status["request_id"]
    act = {"kind": "claim", "id": "late", "by": "anna"}
    served.services.acts.put("late", key, "anna", act, now().replace(year=2020))
    await ActRelay(served.services).round()
    found = served.services.acts.get("late", key)
    assert found is not None
    assert found.reply is not None
    assert found.reply["verdict"] == "closed"


async def test_a_rebuild_withdraws_what_was_ended_from_outside(served: Office) -> None:
    ended, going_on = await _terminated(served), await served.ask()
    queue = served.services.task_queue

    async def listed() -> bool:
        """Temporal's list comes a little later."""
        query = f"TaskQueue = '{queue}' AND ExecutionStatus = 'Terminated'"
        return [one.id async for one in served.outage.client.list_workflows(query)] != []

    await until_async(listed)
    await rebuild(served.outage.client, served.services.inbox, task_queue=queue)
    assert await _boxes(served, ended["request_id"]) == (False, True)
    assert await _boxes(served, going_on["request_id"]) == (True, False)
    story = await served.get("anna", f"/requests/{ended['request_id']}/story")
    assert [one["event"] for one in story["items"]] == ["requested", "asked"]
