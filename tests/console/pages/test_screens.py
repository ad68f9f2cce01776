"""The screens as a browser without JavaScript sees them."""

from __future__ import annotations

from tests.console.office import Office
from tests.console.pages.browsing import Browser, asked


async def test_who_is_not_logged_in_comes_to_the_log_in_and_back(office: Office) -> None:
    browser = Browser(office)
    page = await browser.get("/inbox?box=all")
    assert page.path == "/login"
    page = await browser.log_in("anna", page=page)
    assert page.path == "/inbox?box=all"


async def test_the_inbox_shows_what_waits_and_a_decision_is_made(served: Office) -> None:
    handle = await asked(served, "Refund 730.00 EUR")
    browser = await Browser.of(served, "anna")
    page = await browser.get("/inbox")
    page = await page.follow("Refund 730.00 EUR")
    assert "730.00" in page.text
    page = await page.send("decide", outcome="approve", reason="fine")
    assert page.notice == "Done."
    assert (await handle.result()).by == ("anna",)
    assert "Nothing waits for you" in (await browser.get("/inbox")).text


async def test_a_rejection_without_a_reason_is_refused_and_can_be_sent_again(
    served: Office,
) -> None:
    handle = await asked(served, "Refund")
    browser = await Browser.of(served, "anna")
    page = await (await browser.get("/inbox")).follow("Refund")
    page = await page.send("decide", outcome="reject")
    assert page.status == 422
    assert "a rejection needs a reason" in page.notice
    page = await page.send("decide", outcome="reject", reason="too much")
    assert page.notice == "Done."
    assert (await handle.result()).reason == "too much"


async def test_the_same_form_sent_twice_decides_once(served: Office) -> None:
    await asked(served, "Refund", quorum=2)
    browser = await Browser.of(served, "anna")
    page = await (await browser.get("/inbox")).follow("Refund")
    first = await page.send("decide", outcome="approve")
    second = await page.send("decide", outcome="approve")
    assert first.notice == second.notice == "Done."


async def test_who_comes_too_late_is_told_who_was_first(served: Office) -> None:
    await asked(served, "Refund")
    anna, ben = await Browser.of(served, "anna"), await Browser.of(served, "ben")
    page = await (await ben.get("/inbox")).follow("Refund")
    mine = await (await anna.get("/inbox")).follow("Refund")
    await mine.send("decide", outcome="approve")
    late = await page.send("decide", outcome="reject", reason="no")
    assert late.status == 409
    assert "Too late: decided by Anna" in late.notice


async def test_several_are_decided_after_a_preview(served: Office) -> None:
    first, second = await asked(served, "Refund 1"), await asked(served, "Refund 2")
    typed = await asked(served, "Which one?", outcomes=["left", "right", "reject"])
    await typed.claim(by="ben")
    browser = await Browser.of(served, "anna")
    ids = "&".join(f"id={one.id}" for one in (first, second, typed))
    page = await browser.get(f"/bulk?outcome=reject&{ids}")
    assert "Reject these 2 requests?" in page.text
    assert "Ben is on it" in page.text
    refused = await page.send("bulk")
    assert refused.status == 422
    assert (await first.status()).state == "open"
    done = await refused.send("bulk", reason="no budget")
    assert "2 of 2 rejected" in done.text
    assert (await first.result()).reason == (await second.result()).reason == "no budget"
    assert (await typed.status()).state == "open"


async def test_what_was_written_outlives_the_session(served: Office) -> None:
    """After lunch the reasons of half an hour would be gone, for a log-in page."""
    await asked(served, "Refund")
    browser = await Browser.of(served, "anna")
    page = await (await browser.get("/inbox")).follow("Refund")
    served.services.sessions.close_all("anna")
    lost = await page.send("decide", outcome="reject", reason="<b>half an hour</b>")
    assert lost.status == 401
    assert "Nothing was done" in lost.text
    assert "<b>half an hour</b>" in lost.text
    assert "<b>half" not in lost.response.text
    back = await browser.log_in("anna", page=await lost.follow("Log in"))
    assert back.path == page.path


async def test_only_forms_of_ours_are_shown_to_who_is_logged_out(served: Office) -> None:
    """Any site could make this one show what it likes."""
    await asked(served, "Refund")
    browser = await Browser.of(served, "anna")
    page = await (await browser.get("/inbox")).follow("Refund")
    served.services.sessions.close_all("anna")
    for change in ({"form": "0" * 64}, {"form": ""}):
        forged = await page.send("decide", reason="call 555-0100", **change)
        assert forged.path == "/login"
        assert "555" not in forged.text


async def test_words_for_which_no_form_is_left_are_shown(served: Office) -> None:
    """A comment of ten minutes would be gone because somebody decided meanwhile."""
    handle = await asked(served, "Refund")
    anna = await Browser.of(served, "anna")
    page = await (await anna.get("/inbox")).follow("Refund")
    await handle.reject("no", by="ben")
    late = await page.send("comment", text="see page 7")
    assert late.status == 409
    assert "see page 7" in late.text
