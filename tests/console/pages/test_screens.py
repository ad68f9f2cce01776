"""The screens as a browser without JavaScript sees them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest

from musterwerk.errors import StoreError
from musterwerk.store.directory import AbsenceRow, PersonRow
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


async def test_every_row_is_shown_whole(served: Office) -> None:
    """A requester could hide a price behind a first row that has none."""
    lines = [{"article": "Chair"}, {"article": "Desk", "price": "1,000,000 EUR"}]
    await asked(served, "Order", details={"lines": lines})
    page = await (await (await Browser.of(served, "anna")).get("/inbox")).follow("Order")
    assert "1,000,000 EUR" in page.text


async def test_refusals_are_in_the_readers_language_and_name_people(served: Office) -> None:
    served.services.people.change("anna", language="de", actor="test", channel="cli")
    first = await asked(served, "Refund")
    anna = await Browser.of(served, "anna")
    page = await anna.get(f"/requests/{first.id}")
    refused = await page.send("decide", outcome="reject")
    assert "eine Ablehnung braucht eine Begründung" in refused.notice
    assert (await first.claim(by="ben")).ok
    refused = await refused.send("decide", outcome="approve")
    assert "Ben hat es übernommen" in refused.notice


async def test_who_stands_in_for_the_requester_answers_for_them(served: Office) -> None:
    """The list of questions led them to a page that was not there."""
    handle = await asked(served, "Refund", requester="rita")
    assert (await handle.request_info("Which order?", by="anna")).ok
    now = served.services.now()
    away = AbsenceRow("rita", now - timedelta(days=1), now + timedelta(days=1), "stranger")
    with served.services.people.changes(actor="test", channel="cli") as change:
        change.absence(away)
    browser = await Browser.of(served, "stranger")
    page = await (await browser.get("/inbox?box=questions")).follow("Refund")
    assert (await page.send("inform", text="C-17")).notice == "Done."
    assert (await handle.status()).state == "open"


async def test_what_changed_since_the_list_is_not_decided_with_the_rest(served: Office) -> None:
    """Other details under the same subject would be approved unseen."""
    first, second = await asked(served, "One"), await asked(served, "Two")
    browser = await Browser.of(served, "anna")
    listed = await browser.get("/inbox")
    digests = [(one.id, (await one.status()).digest) for one in (first, second)]
    chosen = "&".join(f"id={quote(f'{name} {digest}')}" for name, digest in digests)
    assert (await second.status()).digest in listed.response.text
    assert (await second.amend(by="rita", details={"amount": "9,999.00 EUR"})).ok
    page = await browser.get(f"/bulk?outcome=approve&{chosen}")
    assert "Approve this request?" in page.text
    assert "it has changed since you saw the list" in page.text
    assert "1 of 1 approved" in (await page.send("bulk")).text
    assert (await second.status()).state == "open"


async def test_where_the_database_is_away_nothing_is_said_to_be_recorded(
    served: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await asked(served, "Refund")
    page = await (await (await Browser.of(served, "anna")).get("/inbox")).follow("Refund")

    def away(*_: object) -> None:
        raise StoreError("it is away")

    monkeypatch.setattr(type(served.services.acts), "put", away)
    lost = await page.send("decide", outcome="reject", reason="too much")
    assert lost.status == 503
    assert "Nothing was recorded" in lost.text
    assert "too much" in lost.text
    assert (await handle.status()).state == "open"


async def test_people_are_found_by_the_names_that_are_shown(served: Office) -> None:
    """Nobody knows their colleagues' names for log-in."""
    handle = await asked(served, "Refund", requester="rita")
    browser = await Browser.of(served, "anna")
    for name in ("rita", "Rita", "RITA"):
        assert "Refund" in (await browser.get(f"/inbox?requester={name}")).text
    assert "Nothing fits" in (await browser.get("/inbox?requester=Rit")).text
    page = await browser.get(f"/requests/{handle.id}")
    assert (await page.send("delegate", to="Stan")).notice == "Done."
    assert "stranger" in (await handle.status()).may_decide
    with served.services.people.changes(actor="test", channel="cli") as change:
        change.person(PersonRow("stan2", "Stan"))
        change.person(PersonRow("oz", "Özlem Ünal"))
    assert served.services.people.known_as("Stan") == "Stan"  # there are two
    assert served.services.people.known_as("özlem ünal") == "oz"


async def test_a_second_act_from_the_same_page_is_said_to_be_none(served: Office) -> None:
    """A hasty second press was told that it is our fault, though the first one counted."""
    handle = await asked(served, "Refund")
    page = await (await (await Browser.of(served, "anna")).get("/inbox")).follow("Refund")
    assert (await page.send("decide", outcome="approve")).notice == "Done."
    second = await page.send("decide", outcome="reject", reason="no")
    assert "You have sent something else from this page already" in second.text
    assert (await handle.result()).approved
