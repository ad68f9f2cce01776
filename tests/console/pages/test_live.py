"""Open pages hear of changes that concern them, and of no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest

from musterwerk.console.live import Listener, Live
from musterwerk.store import live as store_live
from tests.console.office import Office
from tests.console.pages.browsing import asked


@asynccontextmanager
async def listening(office: Office) -> AsyncGenerator[Live]:
    live = Live(office.services, every=0.01)
    running = asyncio.create_task(live.run())
    try:
        yield live
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def listener(office: Office, person: str) -> Listener:
    return Listener(office.services.sessions.open(person), person, sees_all=False)


async def test_who_is_asked_and_who_asked_hear_of_it_and_nobody_else(served: Office) -> None:
    async with listening(served) as live:
        people = {name: listener(served, name) for name in ("anna", "rita", "stranger")}
        streams = {name: live.listen(one) for name, one in people.items()}
        heard = {name: asyncio.ensure_future(anext(one)) for name, one in streams.items()}
        await live.round()  # from here on
        handle = await asked(served, "Refund")
        assert (await heard["anna"])[1] == (await heard["rita"])[1] == [handle.id]
        # A change of their own comes to the stranger first: the other one never does.
        own = await asked(served, "Mine", requester="stranger")
        assert (await heard["stranger"])[1] == [own.id]


async def test_what_happened_before_a_page_could_listen_is_told(served: Office) -> None:
    head = served.services.trail.head().seq
    handle = await asked(served, "Refund")
    one = listener(served, "anna")
    one.after = head
    stream = Live(served.services).listen(one)
    now = served.services.trail.head().seq
    assert await anext(stream) == (now, [handle.id])
    await stream.aclose()


async def test_a_session_that_has_ended_hears_nothing_more(served: Office) -> None:
    async with listening(served) as live:
        one = listener(served, "anna")
        stream = live.listen(one)
        waiting = asyncio.ensure_future(anext(stream, None))
        served.services.sessions.close(one.secret)
        assert await waiting is None


async def test_after_much_has_happened_everything_may_have_changed(
    served: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that was away for long would take its old list for the whole."""
    head = served.services.trail.head().seq
    await asked(served, "One")
    monkeypatch.setattr(store_live, "_MOST", served.services.trail.head().seq - head)
    await asked(served, "Mine", requester="stranger")
    one = listener(served, "otto")
    one.after = head
    stream = Live(served.services).listen(one)
    assert (await anext(stream))[1] == []
    await stream.aclose()
