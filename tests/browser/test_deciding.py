"""Deciding in a real browser: by mouse, by keyboard, without JavaScript, two at once."""

from __future__ import annotations

from playwright.async_api import Browser, expect
from pydantic import BaseModel

from musterwerk.store.mail_links import Shown
from tests.browser.conftest import LogIn
from tests.console.office import Office
from tests.console.pages.browsing import asked


class Verdict(BaseModel):
    clean: bool
    score: int


async def test_by_mouse(desk: Office, log_in: LogIn) -> None:
    handle = await asked(desk, "Refund 730.00 EUR")
    page = await log_in("anna")
    await page.get_by_role("link", name="Refund 730.00 EUR").click()
    await page.get_by_label("Reason").first.fill("as agreed")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Done.", exact=True)).to_be_visible()
    assert (await handle.result()).by == ("anna",)


async def test_by_keyboard(desk: Office, log_in: LogIn) -> None:
    for number in range(3):
        await asked(desk, f"Refund {number}")
    page = await log_in("anna")
    for key in ("j", "j", "k", "j", "Enter"):
        await page.keyboard.press(key)
    await expect(page.get_by_role("heading", name="Refund 1", level=1)).to_be_visible()
    await page.keyboard.press("r")
    await page.keyboard.type("too much")
    await page.keyboard.press("Escape")
    await page.keyboard.press("a")
    await expect(page.get_by_role("button", name="Approve")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Done.", exact=True)).to_be_visible()


async def test_keys_are_explained(desk: Office, log_in: LogIn) -> None:
    page = await log_in("anna")
    await page.keyboard.press("?")
    await expect(page.get_by_role("heading", name="Keys")).to_be_visible()


async def test_without_javascript(desk: Office, log_in: LogIn) -> None:
    handle = await asked(desk, "Refund")
    page = await log_in("anna", java_script_enabled=False)
    await page.get_by_role("link", name="Refund").click()
    await page.get_by_label("Reason").first.fill("no budget")
    await page.get_by_role("button", name="Reject").click()
    await expect(page.get_by_text("Done.", exact=True)).to_be_visible()
    assert (await handle.result()).reason == "no budget"


async def test_two_browsers_at_once(desk: Office, log_in: LogIn) -> None:
    await asked(desk, "Refund")
    anna, ben = await log_in("anna"), await log_in("ben")
    for page in (anna, ben):
        await page.get_by_role("link", name="Refund").click()
    await anna.get_by_role("button", name="Approve").click()
    await expect(anna.get_by_text("Done.", exact=True)).to_be_visible()
    await expect(ben.get_by_text("This request has changed.")).to_be_visible()
    await ben.get_by_role("button", name="Approve").click()
    await expect(ben.get_by_text("Too late: decided by Anna")).to_be_visible()


async def test_a_list_follows_what_happens(desk: Office, log_in: LogIn) -> None:
    page = await log_in("anna")
    await expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    handle = await asked(desk, "Refund")
    await expect(page.get_by_role("link", name="Refund")).to_be_visible()
    await handle.approve(by="ben")
    await expect(page.get_by_text("Nothing waits for you")).to_be_visible()


async def test_several_at_once(desk: Office, log_in: LogIn) -> None:
    handles = [await asked(desk, f"Refund {number}") for number in range(3)]
    page = await log_in("anna")
    for number in (0, 2):
        await page.get_by_label(f"Choose Refund {number}").check()
    await page.get_by_role("button", name="Approve …").click()
    await expect(page.get_by_text("Approve these 2 requests?")).to_be_visible()
    await page.get_by_role("button", name="Approve them").click()
    await expect(page.get_by_text("2 of 2 approved")).to_be_visible()
    assert [(await one.status()).state for one in handles] == ["approved", "open", "approved"]


async def test_a_typed_answer(desk: Office, log_in: LogIn) -> None:
    handle = await asked(desk, "Background check", answer=Verdict, answer_for=("approve",))
    page = await log_in("anna")
    await page.get_by_role("link", name="Background check").click()
    await page.get_by_label("Clean").select_option("yes")
    await page.get_by_label("Score").fill("many")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("This was not taken")).to_be_visible()
    await expect(page.get_by_label("Score")).to_have_value("many")
    await page.get_by_label("Score").fill("7")
    await page.get_by_label("Score").press("Enter")  # by which nobody approves
    assert (await handle.status()).state == "open"
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Done.", exact=True)).to_be_visible()
    assert (await handle.result()).answer == Verdict(clean=True, score=7)


async def test_from_a_link_in_a_mail(desk: Office, chromium: Browser) -> None:
    handle = await asked(desk, "Refund")
    status = await handle.status()
    shown = Shown("n-1", handle.id, status.revision, status.digest, status.expires_at)
    secret = desk.services.links.issue(shown, ["anna"], desk.services.now())["anna"]
    context = await chromium.new_context(base_url=desk.url, locale="de-DE")
    page = await context.new_page()
    desk.services.people.change("anna", language="de", actor="test", channel="cli")
    await page.goto(f"/m/{secret}")
    await page.get_by_role("link", name="Genehmigen").click()
    assert (await handle.status()).state == "open"
    await page.get_by_role("button", name="Genehmigen").click()
    await expect(page.get_by_text("Genehmigt. Mehr ist nicht zu tun.")).to_be_visible()
    (vote,) = (await handle.result()).votes
    assert (vote.person, vote.channel) == ("anna", "mail")


async def test_a_page_that_is_not_looked_at_hears_nothing_and_then_all(
    desk: Office, log_in: LogIn
) -> None:
    """Six pages of one site would take all connections: the seventh would never open."""
    page = await log_in("anna")
    await expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    look = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    tell = "document.dispatchEvent(new Event('visibilitychange'))"
    async with page.expect_event("requestfailed", lambda one: "/events" in one.url):
        await page.evaluate(look % "true" + tell)
    await asked(desk, "Refund")
    async with page.expect_request(lambda one: "/events" in one.url):
        await page.evaluate(look % "false" + tell)
    await expect(page.get_by_role("link", name="Refund")).to_be_visible()
