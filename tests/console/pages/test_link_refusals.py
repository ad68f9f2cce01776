"""Links in mails: what machines, strangers and old links cannot do, and what is on record."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from musterwerk.store.audit import Filter
from musterwerk.store.mail_links import Shown
from tests.console.pages.browsing import Browser, asked
from tests.console.pages.mailing import SUBJECT, Post, Scanner, decide


async def test_a_scanner_decides_nothing(post: Post) -> None:
    """It opens every link, keeps cookies, and sends every form as it is."""
    handle = await asked(post.office, SUBJECT)
    link = await post.link("anna")
    for keeps_cookies in (True, False):
        scanner = Scanner(Browser(post.office).http)
        if not keeps_cookies:
            scanner.http.event_hooks = {"request": [_without_cookies]}
        await scanner.scan(post.office, link)
        for outcome in ("approve", "reject"):
            refused = 422 if keeps_cookies else 403
            assert scanner.sent[f"{link}/decide/{outcome}"] == refused
    status = await handle.status()
    assert (status.state, status.votes) == ("open", ())
    assert post.office.services.acts.pending(post.office.services.now()) == []
    assert (await decide(Browser(post.office), link)).notice.startswith("Approved.")


async def _without_cookies(request: httpx.Request) -> None:
    request.headers.pop("cookie", None)


async def test_a_button_pressed_elsewhere_decides_nothing(post: Post) -> None:
    """Who has the link but was not shown the page: another site, or a copied request."""
    handle = await asked(post.office, SUBJECT)
    link = await post.link("anna")
    browser, other = Browser(post.office), Browser(post.office)
    form = (await browser.get(f"{link}/decide/approve")).form("approve")
    pressed = {**form.fields, "press": "approve"}
    assert (await other.http.post(form.action, data=pressed)).status_code == 403
    from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = await browser.http.post(form.action, data=pressed, headers=from_elsewhere)
    assert answer.status_code == 403
    answer = await browser.http.post(form.action, data={**pressed, "press": "reject"})
    assert answer.status_code == 422
    assert (await handle.status()).votes == ()


async def test_a_changed_request_is_not_decided_by_the_old_link(post: Post) -> None:
    handle = await asked(post.office, SUBJECT)
    old, browser = await post.link("anna"), Browser(post.office)
    form = await browser.get(f"{old}/decide/approve")
    await handle.amend(by="rita", subject="Refund 9,000.00 EUR")
    for page in (
        await form.send("approve", press="approve"),
        await browser.get(old),
        await browser.get(f"{old}/decide/approve"),
    ):
        assert page.status == 409
        assert "The request has been changed" in page.text
        assert "9,000.00" not in page.text
    assert (await handle.status()).votes == ()
    page = await browser.get(await post.link("anna"))
    assert "Refund 9,000.00 EUR" in page.text


async def test_what_is_forged_and_what_is_long_over_look_alike(post: Post) -> None:
    await asked(post.office, SUBJECT)
    services, browser, link = post.office.services, Browser(post.office), await post.link("anna")
    forged = await browser.get(link[:-4] + "AAAA")
    assert (forged.status, SUBJECT in forged.text) == (404, False)
    start = services.now()
    services.now = lambda: start + timedelta(days=31)
    expired = await browser.get(link)
    assert (expired.status, SUBJECT in expired.text) == (410, False)
    form = await browser.http.post(f"{link}/decide/approve", data={"press": "approve"})
    assert form.status_code == 410
    later = start + timedelta(days=62)
    services.now = lambda: later
    services.links.issue(replace(_shown(post, link), notice="another"), ["ben"], later)
    purged = await browser.get(link)
    assert (purged.status, purged.text) == (forged.status, forged.text)
    assert [*purged.response.headers] == [*forged.response.headers]


def _shown(post: Post, link: str) -> Shown:
    found = post.office.services.links.get(link.removeprefix("/m/"))
    assert found is not None
    return Shown(found.notice, found.request_id, found.revision, found.digest, None)


async def test_who_has_left_decides_nothing(post: Post) -> None:
    handle = await asked(post.office, SUBJECT)
    link, browser = await post.link("anna"), Browser(post.office)
    form = await browser.get(f"{link}/decide/approve")
    gone = {"people": {"anna": {"name": "Anna", "active": False, "groups": ["finance"]}}}
    post.office.services.people.apply(gone, actor="test", channel="cli")
    for page in (await browser.get(link), await form.send("approve", press="approve")):
        assert page.status == 410
        assert "not active here any more" in page.text
    assert (await handle.status()).votes == ()


async def test_who_is_no_longer_asked_sees_nothing(post: Post) -> None:
    await asked(post.office, SUBJECT)
    link = await post.link("anna")
    moved = {"people": {"anna": {"name": "Anna", "mail": "anna@example.com"}}}
    post.office.services.people.apply(moved, actor="test", channel="cli")
    page = await Browser(post.office).get(link)
    assert (page.status, SUBJECT in page.text) == (404, False)


async def test_somebody_else_who_is_logged_in_is_told_whose_link_it_is(post: Post) -> None:
    """A mail that was forwarded to a colleague must not decide in the name of its reader."""
    handle = await asked(post.office, SUBJECT)
    link, carla = await post.link("anna"), await Browser.of(post.office, "carla")
    form = await Browser(post.office).get(f"{link}/decide/approve")
    for page in (await carla.get(link), await carla.get(f"{link}/decide/approve")):
        assert page.status == 403
        assert "It was sent to Anna, and you are logged in as Carla." in page.text
        assert SUBJECT not in page.text
    data = {**form.form("approve").fields, "press": "approve"}
    assert (await carla.http.post(f"{link}/decide/approve", data=data)).status_code == 403
    assert (await handle.status()).votes == ()


async def test_looking_is_on_record_once_an_hour(post: Post) -> None:
    handle = await asked(post.office, SUBJECT)
    services, start = post.office.services, post.office.services.now()
    link, browser = await post.link("anna"), Browser(post.office)
    before = services.trail.head()
    await browser.http.head(link)
    assert services.trail.head() == before
    for minutes in (0, 1, 59, 60, 61):
        services.now = lambda minutes=minutes: start + timedelta(minutes=minutes)
        await browser.get(link)
    lines = services.trail.lines(only=Filter(request_id=handle.id, event="link_viewed"))
    assert [(one.actor, one.channel) for one in lines] == [("anna", "mail")] * 2
    assert [one.at - start for one in lines] == [timedelta(0), timedelta(hours=1)]


async def test_the_secret_is_in_no_log_and_no_trail(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await asked(post.office, SUBJECT)
    link, browser = await post.link("anna"), Browser(post.office)
    await browser.get(link)
    await browser.get(link[:-4] + "AAAA")
    await browser.get(f"{link}/nothing/here")
    await decide(browser, link)
    # The browser's own, and the mail server's.
    others = ("httpx", "httpcore", "mail.log")
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith(others)]
    secret = link.removeprefix("/m/")
    assert ours
    assert not [line for line in ours if secret[:20] in line]
    assert secret not in repr(post.office.services.trail.lines())


async def test_guessing_links_is_slow_and_keeps_nobody_else_out(post: Post) -> None:
    await asked(post.office, SUBJECT)
    link, browser = await post.link("anna"), Browser(post.office)
    for number in range(30):
        assert (await browser.get(f"/m/guess-{number}")).status == 404
    refused = await browser.get("/m/guess-31")
    assert refused.status == 429
    assert refused.response.headers["Retry-After"] == "60"
    assert (await browser.get(link)).status == 200


@pytest.mark.parametrize("rest", ["", "/decide/approve", "/decide/nonsense", "x"])
async def test_no_page_of_a_link_is_kept_or_told_to_others(post: Post, rest: str) -> None:
    await asked(post.office, SUBJECT)
    response = (await Browser(post.office).get(await post.link("anna") + rest)).response
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert "http" not in response.text.replace("http-equiv", "")
