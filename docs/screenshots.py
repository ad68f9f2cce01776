"""The pictures in these pages, made of the real thing: `python docs/screenshots.py`.

A Temporal server, a worker and a console are started in a fresh folder; a browser looks at them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from musterwerk.approvals import ApprovalHandle, ApprovalRequest, Escalation, Policy, start
from musterwerk.cli.console import start_console
from musterwerk.cli.worker import start_worker
from musterwerk.console.access.hashing import hashed
from musterwerk.runtime.connection import DEFAULT_NAMESPACE, Target, connect
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.schedules import Schedule, apply, cron
from musterwerk.schedules.meaning import meant
from musterwerk.store import PeopleTable, Store, database_url
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow
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
    "olga": {"name": "Olga Brandt", "zone": "Europe/Berlin", "roles": ["operator"]},
}
_WHEN = {
    "daily-report": cron("0 6 * * *", tz="Europe/Berlin", dst="once"),
    "invoices": cron("30 8 * * *", tz="Europe/Berlin"),
    "stock-sync": cron("15 */4 * * *"),
    "backup": cron("0 2 * * *", tz="Europe/Berlin"),
}
_SCHEDULES = [
    Schedule(name, "Job", task_queue="nobody", when=when, owner="finance")
    for name, when in _WHEN.items()
]
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
        client = await connect(server.address, isolated=True)
        await _ask(client)
        await apply(client, *_SCHEDULES, set_name="docs")
        await _history(LedgerTable(store))
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


async def _history(table: LedgerTable) -> None:
    """Three weeks that a server of a minute cannot have; the rest is the monitor's."""
    async with asyncio.timeout(120):
        while len(known := await asyncio.to_thread(table.known)) < len(_SCHEDULES):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    now = datetime.now(UTC)
    for number, one in enumerate(_SCHEDULES):
        dues = meant(one.when, now - timedelta(days=21), now - timedelta(hours=1))
        fires = tuple(_fire(one.name, due, at * 7 + number) for at, due in enumerate(dues))
        good = max(fire.due for fire in fires if fire.verdict == "ran")
        row = replace(known[one.name], last_good_at=good)
        await asyncio.to_thread(table.write, [Entry(row, fires=fires)])


def _fire(name: str, due: datetime, number: int) -> FireRow:
    began = due + timedelta(seconds=1 + number % 3)
    verdict, reason, status = "ran", "", "Completed"
    if number % 31 == 5:
        return FireRow(name, due, "missed", "finance", reason="there is no run")
    if number % 29 == 3:
        verdict, reason, status = "failed", "the workflow failed", "Failed"
    elif number % 23 == 4:
        began += timedelta(minutes=12)
        verdict, reason = "late", "it began 12 minutes 1 second after its time"
    ended = began + timedelta(seconds=40 + number * 13 % 50)
    return FireRow(
        name,
        due,
        verdict,
        owner="finance",
        reason=reason,
        workflow_id=f"{name}-{due:%Y-%m-%dT%H:%M:%SZ}",
        run_id="run",
        status=status,
        started_at=began,
        run_started_at=began,
        ended_at=ended,
    )


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
    operator = await _logged_in(browser, url, "olga", _WIDE, "light")
    for path, name in (
        ("/schedules", "schedules"),
        ("/schedules/calendar", "calendar-month"),
        ("/schedules/calendar?view=week", "calendar-week"),
        ("/schedules/daily-report", "schedule"),
    ):
        await _take(operator, url, path, name)


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
    await page.screenshot(path=IMAGES / f"{name}.png", full_page=name == "schedule")


if __name__ == "__main__":
    asyncio.run(main())
