"""Open pages hear of changes that concern them, and of no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import pytest
from sqlalchemy import select, update

from musterwerk.console.live import Listener, Live
from musterwerk.store import live as store_live
from musterwerk.store.access_tables import sessions
from musterwerk.store.mail_links import Shown
from musterwerk.store.sessions import IDLE, SessionTable
from tests.console.office import Office
from tests.console.pages.browsing import Browser, asked
from tests.waiting import until


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
        heard = asyncio.ensure_future(anext(stream))
        await asked(served, "Refund")
        await heard
        served.services.sessions.close(one.secret)
        one.checked = None  # a minute has passed
        assert await anext(stream, None) is None


async def test_looking_is_no_change(served: Office) -> None:
    """Mail scanners open every link: all open pages would say that the request has changed."""
    handle = await asked(served, "Refund")
    status = await handle.status()
    shown = Shown("n-1", handle.id, status.revision, status.digest, status.expires_at)
    now = served.services.now()
    secret = served.services.links.issue(shown, ["anna"], now)["anna"]
    link = served.services.links.get(secret)
    assert link is not None
    head = served.services.trail.head().seq
    served.services.links.note_view(link, now)
    news = store_live.since(served.services.store, head)
    assert (news.head > head, news.requests) == (True, {})


async def test_no_browser_moves_the_others(served: Office) -> None:
    """One page with a number too large kept everybody from hearing anything."""
    async with listening(served) as live:
        far, anna = listener(served, "stranger"), listener(served, "anna")
        far.after = 2**63 - 1
        first = asyncio.ensure_future(anext(live.listen(far)))
        stream = live.listen(anna)
        heard = asyncio.ensure_future(anext(stream))
        await live.round()
        handle = await asked(served, "Refund")
        assert (await heard)[1] == [handle.id]
        assert (far.after or 0) < 2**62
        first.cancel()


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


async def test_listening_is_no_click_and_a_session_has_few_streams(served: Office) -> None:
    """A forgotten tab stayed logged in for a week; thousands of streams held up everybody."""
    live = Live(served.services)
    first = listener(served, "anna")
    streams = [Listener(first.secret, "anna", sees_all=False) for _ in range(25)]
    heard = [asyncio.ensure_future(anext(live.listen(one), None)) for one in streams]
    await until(lambda: sum(one.over for one in streams) == 5)
    live.close()
    await asyncio.gather(*heard)


async def test_only_clicks_keep_a_session_open(served: Office) -> None:
    clock = [served.services.now()]
    sessions = SessionTable(served.services.store, now=lambda: clock[0])
    secret = sessions.open("anna")
    clock[0] += IDLE * 0.6
    assert sessions.owner(secret, click=False)
    clock[0] += IDLE * 0.6
    assert sessions.owner(secret) is None


async def test_what_a_page_asks_for_by_itself_is_no_click(served: Office) -> None:
    browser = await Browser.of(served, "anna")
    long_ago = served.services.now() - IDLE * 0.5

    async def seen_after(mode: str) -> datetime:
        with served.services.store.begin() as connection:
            connection.execute(update(sessions).values(seen_at=long_ago))
        answer = await browser.http.get("/", headers={"Sec-Fetch-Mode": mode})
        assert answer.status_code == 200
        with served.services.store.read() as connection:
            return connection.execute(select(sessions.c.seen_at)).scalars().first() or long_ago

    assert await seen_after("cors") == long_ago
    assert await seen_after("navigate") > long_ago
