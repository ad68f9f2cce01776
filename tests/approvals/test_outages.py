"""The database goes away and comes back: what people decided meanwhile is applied, once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import make_url
from temporalio.client import Client

from musterwerk.approvals import Policy
from musterwerk.store import Store
from tests.approvals.desk import COMPANY, Desk
from tests.waiting import until_async


@dataclass
class Line:
    """The way to PostgreSQL, which can be cut."""

    socket: str
    server: asyncio.Server | None = None
    open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def up(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        return self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self.server is not None
        self.server.close()
        for writer in tuple(self.open):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self.socket)
        self.open |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self.open -= {writer, back}

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()


@pytest.fixture
async def line(postgres_url: str) -> AsyncIterator[tuple[Line, int, str]]:
    url = make_url(postgres_url)
    line = Line(f"{url.query['host']}/.s.PGSQL.{url.port or 5432}")
    port = await line.up()
    cut = url.set(host="127.0.0.1", port=port, query={})
    yield line, port, cut.render_as_string(hide_password=False)
    await line.cut()


async def test_decided_while_the_database_is_away(
    client: Client, line: tuple[Line, int, str]
) -> None:
    wire, port, url = line
    desk = Desk(client, Store(make_url(url)), f"outage-{port}")
    await asyncio.to_thread(desk.people.apply, COMPANY, actor="test", channel="cli")
    async with desk.worker():
        handle = await desk.ask(Policy(approvers=("group:finance",), quorum=2))
        await handle.status()
        await wire.cut()
        hasty = desk.unserved().handle(handle.id)
        assert (await hasty.approve(by="anna", act_id="a")).verdict == "recorded"
        assert (await hasty.approve(by="ben", act_id="b")).verdict == "recorded"
        assert (await handle.status()).votes == ()

        async def tried_in_vain() -> bool:
            found = await desk.client.get_workflow_handle(handle.id).describe()
            return any(one.attempt > 1 for one in found.raw_description.pending_activities)

        await until_async(tried_in_vain)
        await wire.up(port)
        decision = await handle.result()
    assert [vote.person for vote in decision.votes] == ["anna", "ben"]
    entries = await asyncio.to_thread(desk.inbox.entries, handle.id)
    assert [e.event for e in entries] == ["requested", "asked", "decided", "decided", "ended"]
    assert entries[-1].record == decision.record
    desk.store.close()
