"""A console behind a socket, a worker, and Chromium: the system's own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from temporalio.client import Client

from musterwerk.console import create_app
from musterwerk.console.access.hashing import hashed
from musterwerk.console.serving import listen, serve
from musterwerk.store import Store, database_url
from tests.console.office import COMPANY, Office
from tests.console.pages.browsing import PASSWORD
from tests.waiting import PATIENCE

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
#: It stays within this machine, and works as root in a container.
_ARGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LogIn = Callable[..., Awaitable[Page]]
#: Milliseconds that a busy machine may take for what a browser shows.
_MOMENT = 60_000
expect.set_options(timeout=_MOMENT)


@pytest.fixture
async def desk(client: Client, tmp_path: Path) -> AsyncIterator[Office]:
    office = Office.of(Store(database_url(tmp_path, {})), client)
    office.services.patience = PATIENCE
    hash_ = hashed(PASSWORD)
    for person in COMPANY["people"]:
        office.services.passwords.put(person, hash_, actor="test", channel="cli")
    socket = listen("127.0.0.1", 0)
    office.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    ready = asyncio.Event()
    app = create_app(office.services)
    serving = asyncio.create_task(serve(app, socket, ready.set, leaving=office.services.live.close))
    await ready.wait()
    async with office.worker():
        yield office
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    await office.close()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install the package `chromium`")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGS)
        yield browser
        await browser.close()


@pytest.fixture
def log_in(desk: Office, chromium: Browser) -> LogIn:
    """A browser of its own for each call; `options` are those of Playwright's contexts."""

    async def log_in(person: str, **options: Any) -> Page:
        options.setdefault("locale", "en-GB")
        context = await chromium.new_context(base_url=desk.url, **options)
        context.set_default_timeout(_MOMENT)
        page = await context.new_page()
        await page.goto("/login")
        await page.get_by_label("Name").fill(person)
        await page.locator("input[name=password]").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/inbox")
        return page

    return log_in
