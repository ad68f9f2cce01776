"""Logging in with the company's accounts, at a real provider over HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from musterwerk.console.access.settings import AccessSettings, Provider
from musterwerk.errors import UsageError
from tests.console.office import Office
from tests.console.pages.browsing import Browser
from tests.console.pages.provider import Issuer, back, issuing, leave, query_of, through


@pytest.fixture
async def issuer(office: Office) -> AsyncIterator[Issuer]:
    async with issuing(office) as issuer:
        yield issuer


async def test_whoever_is_among_the_people_comes_in_and_to_the_page_they_wanted(
    office: Office, issuer: Issuer
) -> None:
    browser = Browser(office)
    page = await through(browser, "/inbox?box=all")
    assert (page.status, page.path) == (200, "/inbox?box=all")
    assert "Anna" in page.text
    (asked,) = issuer.asked
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "https://console/login/oidc/done"
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert "__Host-musterwerk-trip" not in browser.http.cookies


@pytest.mark.parametrize(
    ("account", "person"),
    [
        ({"email": "Anna@Example.com", "email_verified": True}, "anna"),
        ({"preferred_username": "ben", "email": "ben@elsewhere.example"}, "ben"),
        ({"email": "anna@example.com", "email_verified": False}, None),
        ({"email": "anna@example.com"}, None),
        ({"preferred_username": "nobody"}, None),
        ({"preferred_username": ""}, None),
        ({"preferred_username": ["anna"]}, None),
        # The user name somebody chose, and the mail they were given.
        (
            {"preferred_username": "ben", "email": "anna@example.com", "email_verified": True},
            None,
        ),
    ],
)
async def test_an_account_is_the_person_it_names_or_nobody(
    office: Office, issuer: Issuer, account: dict[str, Any], person: str | None
) -> None:
    """Somebody would be made, or somebody else's place be taken."""
    before = office.services.people.all()
    issuer.account = account
    page = await through(Browser(office), "/me")
    if person is None:
        assert page.status == 403
        assert "nobody here goes by it" in page.notice
    else:
        assert f"Known as {person}" in page.text
    assert office.services.people.all() == before


async def test_who_has_left_does_not_come_in(office: Office, issuer: Issuer) -> None:
    office.services.people.deactivate("anna", actor="test", channel="cli")
    assert (await through(Browser(office))).status == 403


async def test_two_people_with_one_mail_are_nobody(office: Office, issuer: Issuer) -> None:
    office.services.people.change("ben", actor="test", channel="cli", mail="ANNA@example.com")
    issuer.account = {"email": "anna@example.com", "email_verified": True}
    assert (await through(Browser(office))).status == 403


async def test_another_claim_may_name_the_person(office: Office, issuer: Issuer) -> None:
    office.services.access = AccessSettings(issuer.provider(claims=("staff",)))
    issuer.account = {"preferred_username": "ben", "staff": "anna"}
    assert "Known as anna" in (await through(Browser(office), "/me")).text


async def test_claims_that_are_not_in_the_token_are_asked_for(
    office: Office, issuer: Issuer
) -> None:
    issuer.account, issuer.info = {}, {"sub": "7", "preferred_username": "ben"}
    assert "Known as ben" in (await through(Browser(office), "/me")).text
    issuer.info["sub"] = "8"
    assert (await through(Browser(office), "/me")).status == 401
    # A mail counts if it is verified, and that may stand there alone.
    issuer.account = {"email": "anna@example.com"}
    issuer.info = {"sub": "7", "email": "anna@example.com", "email_verified": True}
    assert "Known as anna" in (await through(Browser(office), "/me")).text
    # That another mail is verified says nothing of this one.
    issuer.info["email"] = "other@example.com"
    assert (await through(Browser(office), "/me")).status == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another application"},
        {"aud": ["musterwerk", "another"]},  # without azp
        {"aud": ["musterwerk", "another"], "azp": "another"},
        {"iss": "https://elsewhere.example"},
        {"exp": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"exp": "soon"},
    ],
)
async def test_a_token_that_is_not_for_this_log_in_opens_nothing(
    office: Office, issuer: Issuer, wrong: dict[str, Any]
) -> None:
    issuer.wrong = wrong
    browser = Browser(office)
    page = await through(browser)
    assert page.status == 401
    assert "does not prove who you are" in page.notice
    assert (await browser.get("/inbox")).path == "/login"


async def test_a_token_signed_by_another_key_opens_nothing(office: Office, issuer: Issuer) -> None:
    issuer.signing = RSAKey.generate_key(2048, {"kid": "1"})
    assert (await through(Browser(office))).status == 401
    issuer.key = issuer.signing  # a new key at the provider is taken at once
    assert (await through(Browser(office))).status == 200


async def test_an_answer_to_another_log_in_is_refused(office: Office, issuer: Issuer) -> None:
    """Somebody would be logged in as the attacker, and type secrets into their account."""
    attacker, victim = Browser(office), Browser(office)
    theirs = await back(await leave(attacker))
    page = await victim.get(theirs)  # who has begun no log-in
    assert page.status == 403
    await leave(victim)
    page = await victim.get(theirs)  # who has begun another
    assert page.status == 403
    assert (await victim.get("/inbox")).path == "/login"
    page = await victim.get("/login/oidc/done?code=x")
    assert page.status == 403


async def test_an_answer_counts_once(office: Office, issuer: Issuer) -> None:
    browser = Browser(office)
    answer = await back(await leave(browser))
    assert (await browser.get(answer)).status == 200
    browser.http.cookies.delete("__Host-musterwerk")
    assert (await browser.get(answer)).status == 403


async def test_a_code_of_another_browser_is_not_exchanged(office: Office, issuer: Issuer) -> None:
    """Whoever gets at a code could use it: the verifier is in the other browser's cookie."""
    thief, victim = Browser(office), Browser(office)
    code = query_of(await back(await leave(victim)))["code"]
    state = query_of(await leave(thief))["state"]
    page = await thief.get(f"/login/oidc/done?code={code}&state={state}")
    assert page.status == 401


async def test_an_answer_of_another_issuer_is_refused(office: Office, issuer: Issuer) -> None:
    browser = Browser(office)
    answer = await back(await leave(browser))
    page = await browser.get(answer.replace("iss=http", "iss=https"))
    assert page.status == 401


async def test_who_is_not_let_through_there_is_told(office: Office, issuer: Issuer) -> None:
    browser = Browser(office)
    state = query_of(await leave(browser))["state"]
    page = await browser.get(f"/login/oidc/done?error=access_denied&state={state}")
    assert page.status == 401
    assert "did not let you through" in page.notice


async def test_a_provider_that_is_away_is_said_to_be(office: Office) -> None:
    async with issuing(office) as issuer:
        browser = Browser(office)
        answer = await back(await leave(browser))
    page = await browser.get(answer)
    assert (page.status, page.response.headers["retry-after"]) == (503, "60")
    assert "does not answer" in page.notice
    office.services.access = AccessSettings(issuer.provider())
    del office.services.oidc
    page = await (await browser.get("/login")).follow("Log in with Example")
    assert page.status == 503


async def test_a_provider_that_calls_itself_otherwise_is_none(
    office: Office, issuer: Issuer
) -> None:
    issuer.says = "https://elsewhere.example"
    page = await (await Browser(office).get("/login")).follow("Log in with Example")
    assert page.status == 503


async def test_nothing_secret_is_logged(
    office: Office, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="musterwerk"):
        browser = Browser(office)
        issuer.account = {"preferred_username": "nobody"}
        await through(browser)
        issuer.wrong = {"nonce": "x"}
        await through(browser)
    assert "no one person of ours" in caplog.text
    for secret in (*issuer.codes, "kept between us", *(one["state"] for one in issuer.asked)):
        assert secret not in caplog.text


async def test_passwords_can_be_switched_off(office: Office, issuer: Issuer) -> None:
    browser = await Browser.of(office, "anna")
    form = {"name": "anna", "password": "correct horse battery"}
    office.services.access = AccessSettings(issuer.provider(), local=False)
    assert not (await browser.get("/me")).response.text.count('type="password"')
    other = Browser(office)
    page = await other.get("/login")
    assert not page.forms
    assert (await other.http.post("/login", data=form)).status_code == 403
    assert (await through(other)).path == "/inbox"


async def test_without_a_provider_there_is_no_button(office: Office) -> None:
    browser = Browser(office)
    assert not [one for one in (await browser.get("/login")).links.values() if "oidc" in one]
    assert (await browser.get("/login/oidc")).status == 404
    assert (await browser.get("/login/oidc/done")).status == 404


OIDC = {
    "MUSTERWERK_OIDC_ISSUER": "https://id.example.com/realms/x",
    "MUSTERWERK_OIDC_CLIENT_ID": "musterwerk",
    "MUSTERWERK_OIDC_CLIENT_SECRET": "s3cret",
}


def test_settings_come_from_the_environment() -> None:
    assert AccessSettings.from_environment({}) == AccessSettings()
    more = {
        "MUSTERWERK_OIDC_NAME": "Example",
        "MUSTERWERK_OIDC_CLAIM": "upn",
        "MUSTERWERK_LOCAL_LOGIN": "off",
        "MUSTERWERK_PROXIES": "10.0.0.7, fd00::/8",
    }
    provider = Provider(
        "https://id.example.com/realms/x", "musterwerk", "s3cret", "Example", ("upn",)
    )
    found = AccessSettings.from_environment(OIDC | more)
    assert found == AccessSettings(provider, False, ("10.0.0.7", "fd00::/8"))
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"MUSTERWERK_OIDC_ISSUER": "https://id.example.com"}, "MUSTERWERK_OIDC_CLIENT_ID and"),
        ({"MUSTERWERK_OIDC_CLAIM": "upn"}, "MUSTERWERK_OIDC_ISSUER"),
        (OIDC | {"MUSTERWERK_OIDC_ISSUER": "http://id.example.com"}, "https://HOST"),
        (OIDC | {"MUSTERWERK_OIDC_ISSUER": "id.example.com"}, "https://HOST"),
        ({"MUSTERWERK_LOCAL_LOGIN": "off"}, "nobody could log in"),
        ({"MUSTERWERK_LOCAL_LOGIN": "no"}, "on or off"),
        ({"MUSTERWERK_PROXIES": "*"}, "neither an address nor a network"),
        ({"MUSTERWERK_PROXIES": "0.0.0.0/0"}, "neither an address nor a network"),
        ({"MUSTERWERK_PROXIES": "proxy.example.com"}, "neither an address nor a network"),
    ],
)
def test_settings_that_cannot_work_are_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match="MUSTERWERK_") as found:
        AccessSettings.from_environment(given)
    assert said in str(found.value)
