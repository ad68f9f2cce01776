"""What everybody can use: no serious finding of axe, narrow phones, German, light and dark."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import (  # pyright: ignore[reportMissingTypeStubs]
    Axe,
)
from playwright.async_api import Page, expect

from musterwerk.store.mail_links import Shown
from tests.browser.conftest import LogIn
from tests.browser.test_deciding import Verdict
from tests.console.office import Office
from tests.console.pages.browsing import asked

PHONE = {"width": 360, "height": 720}
_DETAILS = {
    "supplier": "A name that is rather long and has no end " * 3,
    "lines": [{"article": "Chair", "pieces": 4, "price": "289.00 EUR"}] * 2,
    "nested": {"list": ["x", {"y": None}], "empty": [], "urgent": True},
}


async def _pages(desk: Office) -> list[str]:
    first = await asked(desk, "Refund with a Subject-That-Is-Long" * 3, details=_DETAILS)
    second = await asked(desk, "Another one")
    await second.request_info("Why?", by="anna")
    typed = await asked(desk, "Typed", answer=Verdict, answer_for=("approve",))
    ids = f"id={first.id}&id={second.id}&id=gone"
    status = await typed.status()
    shown = Shown("n-1", typed.id, status.revision, status.digest, status.expires_at)
    link = desk.services.links.issue(shown, ["anna"], desk.services.now())["anna"]
    return [
        "/inbox",
        "/inbox?box=all&q=nothing",
        "/inbox?box=decided",
        f"/requests/{first.id}",
        f"/requests/{second.id}",
        f"/bulk?outcome=reject&{ids}",
        "/audit",
        "/audit/verification",
        "/nothing",
        "/me",
        f"/requests/{typed.id}",
        f"/m/{link}",
        f"/m/{link}/decide/approve",
        "/m/forged",
    ]


async def _everybody(desk: Office) -> None:
    """Somebody who sees every page."""
    for role in ("auditor", "operator"):
        with desk.services.people.changes(actor="test", channel="cli") as change:
            change.grant("anna", role)


async def serious(page: Page) -> list[Any]:
    axe: Any = Axe()
    found = await axe.run(page)
    return [
        (one["id"], one["impact"], [node["html"] for node in one["nodes"]])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothingserious(
    desk: Office, log_in: LogIn, scheme: Literal["light", "dark"]
) -> None:
    await _everybody(desk)
    paths = await _pages(desk)
    page = await log_in("anna", color_scheme=scheme)
    for path in paths:
        await page.goto(path)
        assert not await serious(page), path
    await page.context.clear_cookies()
    await page.goto("/login")
    assert not await serious(page)


async def test_nothing_is_wider_than_a_phone(desk: Office, log_in: LogIn) -> None:
    await _everybody(desk)
    paths = await _pages(desk)
    page = await log_in("anna", viewport=PHONE, has_touch=True, is_mobile=True)
    for path in paths:
        await page.goto(path)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path


async def test_german(desk: Office, log_in: LogIn) -> None:
    desk.services.people.change("anna", language="de", actor="test", channel="cli")
    await asked(desk, "Erstattung")
    page = await log_in("anna", locale="de-DE")
    await page.get_by_role("link", name="Erstattung").click()
    await page.get_by_role("button", name="Genehmigen").click()
    await expect(page.get_by_text("Erledigt.")).to_be_visible()
    assert await page.evaluate("document.documentElement.lang") == "de"


async def test_nothing_comes_from_elsewhere_and_no_script_is_refused(
    desk: Office, log_in: LogIn
) -> None:
    handle = await asked(desk, "Refund")
    page = await log_in("anna")
    asked_for: list[str] = []
    said: list[str] = []
    page.on("request", lambda one: asked_for.append(one.url))
    page.on("console", lambda one: said.append(one.text))
    for path in ("/inbox", f"/requests/{handle.id}"):
        await page.goto(path)
    assert all(one.startswith(desk.url) for one in asked_for)
    assert not said
