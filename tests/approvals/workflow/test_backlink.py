"""From Temporal's own screens people find the request in the console."""

from __future__ import annotations

from pathlib import Path

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from musterwerk.approvals import ApprovalHandle
from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.backlink import Backlink
from musterwerk.approvals.model import CONSOLE_ATTRIBUTE
from musterwerk.runtime.connection import connect
from musterwerk.runtime.readiness import SearchAttributeType
from musterwerk.runtime.server import EmbeddedServer
from tests.approvals.desk import Desk
from tests.waiting import until_async

CONSOLE = "https://console.example.com"
_PAGE = SearchAttributeKey.for_keyword(CONSOLE_ATTRIBUTE)


async def details(client: Client, handle: ApprovalHandle[object]) -> str:
    workflow = client.get_workflow_handle(handle.id)
    return (
        await workflow.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    ).current_details


async def attribute(client: Client, handle: ApprovalHandle[object]) -> str | None:
    found = await client.get_workflow_handle(handle.id).describe()
    return found.typed_search_attributes.get(_PAGE)


async def test_details_and_search_attribute_name_the_page(desk: Desk) -> None:
    """Who found a process in Temporal would search the console for it by hand."""
    now = 0.0
    backlink = Backlink(CONSOLE, clock=lambda: now)
    await backlink.prepare(desk.client)
    now += 120.0  # so long a cluster may take to hear of a new attribute
    assert backlink.indexed
    async with desk.worker(ApprovalActivities(desk.store, backlink=backlink)):
        handle = await desk.ask()
        await handle.status()
        page = f"{CONSOLE}/requests/{handle.id}"
        assert f"]({page})" in await details(desk.client, handle)
        assert await attribute(desk.client, handle) == page

        async def listed() -> bool:
            found = desk.client.list_workflows(f"{CONSOLE_ATTRIBUTE} = '{page}'")
            return [one.id async for one in found] == [handle.id]

        await until_async(listed)
        await handle.approve(by="anna")
        await handle.result()
    await desk.replay()


async def test_without_the_attribute_the_details_alone(desk: Desk) -> None:
    """An attribute that the namespace lacks fails the workflow's task, again and again."""
    async with desk.worker(ApprovalActivities(desk.store, backlink=Backlink(CONSOLE))):
        handle = await desk.ask()
        await handle.status()
        assert f"{CONSOLE}/requests/{handle.id}" in await details(desk.client, handle)
        assert await attribute(desk.client, handle) is None


async def test_an_attribute_just_added_is_not_used_at_once(tmp_path: Path) -> None:
    """Servers that have not heard of it yet would fail the task."""
    now = 0.0
    async with EmbeddedServer(tmp_path, ui=False) as server:
        client = await connect(server.address, isolated=True)
        backlink = Backlink(CONSOLE, clock=lambda: now)
        await backlink.prepare(client)
        assert (backlink.indexed, backlink.flaw) == (False, None)
        now = 120.0
        assert backlink.indexed

        async def known() -> bool:
            again = Backlink(CONSOLE, clock=lambda: now)
            await again.prepare(client)
            return again.indexed

        await until_async(known)


async def test_an_attribute_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    wrong: dict[str, SearchAttributeType] = {CONSOLE_ATTRIBUTE: "Int"}
    async with EmbeddedServer(tmp_path, ui=False, search_attributes=wrong) as server:
        backlink = Backlink(CONSOLE)
        await backlink.prepare(await connect(server.address, isolated=True))
    assert (backlink.indexed, "is no Keyword" in (backlink.flaw or "")) == (False, True)
