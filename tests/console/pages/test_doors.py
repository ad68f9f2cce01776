"""Who comes in, who does not, and what a log-in is worth: the attacks that are tried on doors."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from musterwerk.console.access import cookies
from musterwerk.console.access.hashing import hashed
from musterwerk.console.access.limits import network_of
from musterwerk.console.pages.login import local
from musterwerk.errors import UsageError
from tests.console.office import Office
from tests.console.pages.browsing import PASSWORD, Browser, Page

SESSION = cookies.SESSION


async def test_guessing_is_stopped_and_hits_nobody_else(office: Office) -> None:
    """A password of ten letters would be found in a night; or one guesser would lock all out."""
    guesser = Browser(office, address="203.0.113.7")
    page = await guesser.get("/login")
    await guesser.log_in("anna", "wrong wrong", page=page)
    seen = [
        (await guesser.log_in("anna", f"wrong wrong {number}", page=page)).status
        for number in range(19)
    ]
    assert seen == [401] * 4 + [429] * 15
    page = await guesser.log_in("anna", PASSWORD, page=page)
    assert page.status == 429
    assert 1 <= int(page.response.headers["retry-after"]) <= 60
    assert "Try again in" in page.notice
    assert (await guesser.get("/inbox")).path == "/login"
    other = Browser(office, address="198.51.100.1")
    assert (await other.log_in("ben")).path == "/inbox"


async def test_one_address_cannot_try_everybody(office: Office) -> None:
    guesser = Browser(office, address="203.0.113.7")
    page = await guesser.get("/login")
    for number in range(30):
        await guesser.http.post(
            "/login", data={**page.form("login").fields, "name": f"p{number}", "password": "x"}
        )
    assert (await guesser.log_in("anna", page=page)).status == 429
    assert (await Browser(office).log_in("anna")).path == "/inbox"


async def test_a_network_of_ipv6_counts_as_one_address() -> None:
    """Whoever has a network has more addresses than there are passwords."""
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1")
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert (network_of("203.0.113.7"), network_of("?")) == ("203.0.113.7", "?")


async def test_guesses_sent_at_once_are_counted_too(office: Office) -> None:
    """All would be judged before the first is counted."""
    guesser = Browser(office)
    page = await guesser.get("/login")
    await guesser.log_in("anna", page=page)
    guesser = Browser(office)
    page = await guesser.get("/login")
    answers = await asyncio.gather(
        *(guesser.log_in("anna", f"wrong wrong {number}", page=page) for number in range(12))
    )
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 7


async def test_the_cookie_before_the_log_in_is_not_the_one_after(office: Office) -> None:
    """Whoever planted a cookie would be logged in with its victim."""
    browser = Browser(office)
    planted = office.services.sessions.open("ben")
    browser.carry(SESSION, planted)
    page = await Browser(office).get("/login")
    browser.carry(cookies.DOOR, "planted")
    form = {**page.form("login").fields, "form": cookies.form_token("planted")}
    office.services.passwords.put("anna", hashed(PASSWORD), actor="test", channel="cli")
    await browser.http.post("/login", data={**form, "name": "anna", "password": PASSWORD})
    after = browser.http.cookies[SESSION]
    assert after not in (planted, "planted")
    assert office.services.sessions.owner(planted) is None
    found = office.services.sessions.owner(after)
    assert found is not None
    assert found.person.id == "anna"


async def test_each_log_in_has_a_secret_of_its_own(office: Office) -> None:
    browser = await Browser.of(office, "anna")
    first = browser.http.cookies[SESSION]
    await (await browser.get("/me")).send("logout")
    await browser.log_in("anna")
    assert browser.http.cookies[SESSION] != first


async def test_a_form_that_is_not_from_here_does_nothing(office: Office) -> None:
    """Another site could have things done in the name of who is logged in."""
    anna, ben = await Browser.of(office, "anna"), await Browser.of(office, "ben")
    good = (await anna.get("/me")).form("settings").fields | {"language": "de", "zone": "UTC"}
    theirs = (await ben.get("/me")).form("settings").fields["form"]
    headers = {"Sec-Fetch-Site": "cross-site"}
    before = office.services.people.get("anna")
    for form, more in [
        ({**good, "form": ""}, {}),
        ({name: value for name, value in good.items() if name != "form"}, {}),
        ({**good, "form": theirs}, {}),
        ({**good, "form": "é" * 64}, {}),
        (good, headers),
        (good, {"Sec-Fetch-Site": "same-site"}),
    ]:
        for path in ("/me/settings", "/me/sessions", "/logout", "/requests/x/decide"):
            answer = await anna.http.post(path, data=form, headers=more)
            assert answer.status_code == 403, (path, form, more)
    assert office.services.people.get("anna") == before
    assert (await anna.get("/me")).path == "/me"
    assert (await anna.http.post("/me/settings", data=good)).status_code == 200


async def test_nobody_is_logged_in_by_another_site(office: Office) -> None:
    """Somebody would work in the attacker's account without knowing."""
    page = await Browser(office).get("/login")
    await Browser.of(office, "anna")
    form = {**page.form("login").fields, "name": "anna", "password": PASSWORD}
    victim = Browser(office)
    assert (await victim.http.post("/login", data=form)).status_code == 403  # no door
    await victim.get("/login")
    assert (await victim.http.post("/login", data=form)).status_code == 403  # another's door
    own = (await victim.get("/login")).form("login").fields
    crossed = {"Sec-Fetch-Site": "cross-site"}
    answer = await victim.http.post("/login", data={**form, **own}, headers=crossed)
    assert answer.status_code == 403
    assert SESSION not in victim.http.cookies


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/.//evil.example\r\nSet-Cookie: a=b",
        "",
    ],
)
async def test_a_log_in_leads_to_pages_of_ours(office: Office, elsewhere: str) -> None:
    """A link to our log-in would end at the page of whoever wants the password again."""
    assert local(elsewhere) == "/"
    browser = Browser(office)
    page = await browser.http.get("/login", params={"next": elsewhere})
    page = await browser.log_in("anna", page=Page.of(browser, page))
    assert str(page.response.url) == "https://console/inbox"
    again = await browser.http.get("/login", params={"next": elsewhere})
    assert str(again.url) == "https://console/inbox"


async def test_no_page_can_be_framed_or_run_scripts_of_others(served: Office) -> None:
    status = await served.ask()
    browser, stranger = await Browser.of(served, "anna"), Browser(served)
    found = [
        await browser.get("/inbox"),
        await browser.get("/me"),
        await browser.get(f"/requests/{status['request_id']}"),
        await browser.get("/requests/none"),
        await browser.get("/inbox?box=none"),
        await browser.get("/nowhere"),
        await stranger.get("/login"),
        await stranger.get("/nowhere"),
        Page.of(browser, await browser.http.post("/me/settings")),
        Page.of(browser, await browser.http.post("/inbox")),
        Page.of(browser, await browser.http.put("/login")),
        Page.of(browser, await browser.http.post("/login", content=b"x" * 3_000_000)),
        Page.of(browser, await browser.http.get("/api/v1/requests")),
        Page.of(browser, await browser.http.get("/static/musterwerk.js")),
    ]
    assert {one.status for one in found} >= {200, 401, 403, 404, 405, 413, 422}
    for page in found:
        headers = page.response.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], page.path
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        if not page.path.startswith("/static"):
            assert headers["cache-control"] == "no-store"


async def test_a_failure_of_ours_is_a_page_with_the_same_headers(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await Browser.of(office, "anna")

    def fail(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(office.services.sessions, "of", fail)
    transport = httpx.ASGITransport(office.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="https://console", cookies=browser.http.cookies
    ) as http:
        answer = await http.get("/me")
    assert answer.status_code == 500
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "secret detail" not in answer.text


async def test_a_log_out_ends_the_session_on_the_server(office: Office) -> None:
    """A copy of the cookie would open the door for days."""
    browser = await Browser.of(office, "anna")
    secret = browser.http.cookies[SESSION]
    page = await (await browser.get("/inbox")).send("logout")
    assert page.path == "/login"
    assert SESSION not in browser.http.cookies
    browser.carry(SESSION, secret)
    assert (await browser.get("/inbox")).path == "/login"


@pytest.mark.parametrize(
    ("clicks", "there"),
    [
        ([timedelta(hours=11)], True),
        ([timedelta(hours=13)], False),  # without a click
        ([timedelta(hours=hours) for hours in range(11, 167, 11)], True),
        ([timedelta(hours=hours) for hours in (*range(11, 167, 11), 169)], False),  # in any case
    ],
)
async def test_a_session_ends_by_itself(
    office: Office, clicks: list[timedelta], there: bool
) -> None:
    start = datetime.now(UTC)
    browser = await Browser.of(office, "anna")
    # The browser would drop its cookie too; a thief's would not.
    secret = browser.http.cookies[SESSION]
    seen: list[str] = []
    for after in clicks:
        office.services.now = _at(start + after)
        thief = Browser(office)
        thief.carry(SESSION, secret)
        seen.append((await thief.get("/inbox")).path)
    assert (seen[-1] == "/inbox") is there
    assert set(seen[:-1]) <= {"/inbox"}


def _at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


async def test_who_leaves_is_out_at_once(office: Office) -> None:
    browser = await Browser.of(office, "anna")
    office.services.people.deactivate("anna", actor="ada", channel="rest")
    assert (await browser.get("/inbox")).path == "/login"
    assert (await browser.log_in("anna")).status == 401


async def test_whoever_has_no_password_takes_as_long_as_who_has_one(office: Office) -> None:
    """Names could be tried out by the clock."""
    office.services.passwords.put("anna", hashed(PASSWORD), actor="test", channel="cli")
    browser = Browser(office)
    form = (await browser.get("/login")).form("login").fields

    async def quickest(name: str) -> float:
        spans: list[float] = []
        for _ in range(3):
            start = time.perf_counter()
            await browser.http.post("/login", data={**form, "name": name, "password": "x" * 10})
            spans.append(time.perf_counter() - start)
        return min(spans)

    await quickest("nobody 1")
    assert await quickest("nobody 2") > await quickest("anna") / 3


async def test_secrets_are_in_no_log_no_trail_and_no_table(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        browser = await Browser.of(office, "anna")
        await Browser(office).log_in("anna", "not this one")
        changed = {"old": PASSWORD, "new": "another horse", "again": "another horse"}
        await (await browser.get("/me")).send("password", **changed)
        secret = browser.http.cookies[SESSION]
        kept = office.services.passwords.hash_of("anna")
    assert kept is not None
    trail = str((await office.get("udo", "/audit", limit=1000))["items"])
    assert "password_changed" in trail
    with office.services.store.read() as connection:
        tables = str(connection.exec_driver_sql("SELECT * FROM musterwerk_sessions").all())
        tables += str(connection.exec_driver_sql("SELECT * FROM musterwerk_passwords").all())
    for word in (secret, PASSWORD, "another horse", "not this one"):
        assert word not in caplog.text + trail + tables
    for word in (kept, "$argon2"):
        assert word not in caplog.text + trail
    assert kept.startswith("$argon2id$")


async def test_cookies_are_for_this_host_by_tls_and_for_no_script(office: Office) -> None:
    browser = Browser(office)
    door = await browser.http.get("/login")
    office.services.passwords.put("anna", hashed(PASSWORD), actor="test", channel="cli")
    form = Page.of(browser, door).form("login").fields
    entered = await browser.http.post(
        "/login", data={**form, "name": "anna", "password": PASSWORD}, follow_redirects=False
    )
    left = await browser.http.post(
        "/logout",
        data={"form": cookies.form_token(browser.http.cookies[SESSION])},
        follow_redirects=False,
    )
    found = [
        morsel
        for answer in (door, entered, left)
        for line in answer.headers.get_list("set-cookie")
        for morsel in SimpleCookie(line).values()
    ]
    assert {one.key for one in found} == {cookies.DOOR, SESSION}
    for one in found:
        assert one.key.startswith("__Host-")
        assert (one["secure"], one["httponly"], one["path"], one["domain"]) == (True, True, "/", "")
        assert one["samesite"] == "lax"


@pytest.mark.parametrize(
    ("address", "headers", "needed"),
    [
        ("http://inbox.example.com", {}, True),
        ("http://10.0.0.5:8420", {}, True),
        ("http://127.0.0.1:8420", {}, False),
        ("http://localhost:8420", {}, False),
        ("https://inbox.example.com", {}, False),
        # Behind a proxy that we do not know: browsers say this only by TLS.
        ("http://inbox.example.com", {"Sec-Fetch-Site": "none"}, False),
    ],
)
async def test_where_tls_is_missing_the_page_says_so(
    office: Office, address: str, headers: dict[str, str], needed: bool
) -> None:
    """The browser would drop the cookie, and the log-in come back without a word."""
    transport = httpx.ASGITransport(office.app)
    async with httpx.AsyncClient(transport=transport, base_url=address, headers=headers) as http:
        assert ("without TLS" in (await http.get("/login")).text) is needed
        german = {"Accept-Language": "de"}
        assert ("ohne TLS" in (await http.get("/login", headers=german)).text) is needed


@pytest.mark.parametrize("password", ["short", "x" * 1001, ""])
def test_a_password_that_is_too_short_or_too_long_is_none(password: str) -> None:
    with pytest.raises(UsageError, match="10 to 1000"):
        hashed(password)
