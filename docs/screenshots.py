"""The pictures in these pages, made of the real thing: `python docs/screenshots.py`.

A Temporal server, a worker and a console are started in a fresh folder; a browser looks at them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from musterwerk.approvals import ApprovalHandle, ApprovalRequest, Escalation, Policy, start
from musterwerk.cli.console import start_console
from musterwerk.cli.worker import start_worker
from musterwerk.console.access.hashing import hashed
from musterwerk.runtime.connection import DEFAULT_NAMESPACE, Target, connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import PeopleTable, Store, database_url
from musterwerk.store.passwords import PasswordTable

IMAGES = Path(__file__).with_name("images")
CHROMIUM = "/usr/bin/chromium"
_PASSWORD = "correct horse battery"  # noqa: S105 - of people who live for a minute
_WIDE, _PHONE = {"width": 1100, "height": 820}, {"width": 390, "height": 820}
_PEOPLE: dict[str, Any] = {
    "anna": {"name": "Anna Huber", "groups": ["finance"], "zone": "Europe/Berlin"},
    "bernd": {
        "name": "Bernd Maier",
        "groups": ["finance"],
        "zone": "Europe/Berlin",
        "language": "de",
        "roles": ["auditor"],
    },
    "carla": {"name": "Carla Neri", "groups": ["heads"]},
    "rita": {"name": "Rita Sommer"},
}
_LINES = [
    {"article": "Office chair", "pieces": 4, "price": "289.00 EUR"},
    {"article": "Desk lamp", "pieces": 4, "price": "49.90 EUR"},
]
_ASKED: list[tuple[str, Any, timedelta]] = [
    ("Refund 730.00 EUR to C-17", {"order": "C-17", "reason": "Damaged in transit"}, timedelta(1)),
    (
        "Purchase of office furniture, 1,355.60 EUR",
        {"supplier": "Moebel Ost", "cost_centre": "4711", "lines": _LINES, "urgent": True},
        timedelta(3),
    ),
    ("Business trip to Lisbon, 3 days", {"from": "2027-01-12", "to": "2027-01-14"}, timedelta(7)),
    ("New laptop for the warehouse", {"price": "899.00 EUR"}, timedelta(hours=5)),
]


async def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    async with office() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        await _pictures(browser, url)
        await browser.close()


@asynccontextmanager
async def office() -> AsyncGenerator[str]:
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(EmbeddedServer(data / "temporal", ui=False))
        target = Target(server.address, DEFAULT_NAMESPACE, isolated=True)
        store = Store(database_url(data, {}))
        stack.callback(store.close)
        PeopleTable(store).apply({"people": _PEOPLE}, actor="docs", channel="cli")
        for person in _PEOPLE:
            PasswordTable(store).put(person, hashed(_PASSWORD), actor="docs", channel="cli")
        for process in (await start_worker(data, target), *(await _console(data, target))[:1]):
            stack.push_async_callback(process.stop)
        url = (data / "console").read_text()
        await _ask(await connect(server.address, isolated=True))
        yield url


async def _console(data: Path, target: Target) -> tuple[Any, str]:
    process, url = await start_console(data, target, port=0)
    (data / "console").write_text(url)
    return process, url


async def _ask(client: Any) -> None:
    handles: list[ApprovalHandle[Any]] = []
    for number, (subject, details, length) in enumerate(_ASKED):
        policy = Policy(
            approvers=("group:finance",),
            escalations=(Escalation(after=length / 2, to=("group:heads",)),),
            expires_after=length,
        )
        request = ApprovalRequest[Any](
            subject=subject, details=details, requester="rita", policy=policy
        )
        handles.append(await start(client, request, id=f"request-{number}"))
        await handles[-1].status()
    await handles[-1].claim(by="bernd")
    await handles[-1].comment("The old one does not start any more.", by="rita")


async def _pictures(browser: Browser, url: str) -> None:
    wide = await _logged_in(browser, url, "anna", _WIDE, "light")
    await _take(wide, url, "/inbox", "inbox-light")
    await _take(wide, url, "/requests/request-1", "request-light")
    dark = await _logged_in(browser, url, "anna", _WIDE, "dark")
    await _take(dark, url, "/inbox", "inbox-dark")
    phone = await _logged_in(browser, url, "bernd", _PHONE, "light")
    await _take(phone, url, "/requests/request-0", "request-phone-german")
    audit = await _logged_in(browser, url, "bernd", _WIDE, "light")
    await _take(audit, url, "/audit", "audit-german")


async def _logged_in(browser: Browser, url: str, person: str, size: Any, scheme: Any) -> Page:
    context = await browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB")
    page = await context.new_page()
    await page.goto(f"{url}/login")
    await page.fill("input[name=name]", person)
    await page.fill("input[name=password]", _PASSWORD)
    await page.click("main button")
    await page.wait_for_url("**/inbox")
    return page


async def _take(page: Page, url: str, path: str, name: str) -> None:
    await page.goto(url + path)
    await page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
