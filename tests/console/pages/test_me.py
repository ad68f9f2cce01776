"""One's own account, as a browser without JavaScript sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.console.office import Office
from tests.console.pages.browsing import PASSWORD, Browser

NEW = "a new horse, another battery"


async def test_language_and_zone_are_ones_own(office: Office) -> None:
    browser = await Browser.of(office, "anna")
    page = await (await browser.get("/inbox")).follow("My account")
    assert "Known as anna" in page.text
    page = await page.send("settings", language="de", zone="Europe/Berlin")
    assert "Mein Konto" in page.text
    anna = office.services.people.get("anna")
    assert anna is not None
    assert (anna.language, anna.zone) == ("de", "Europe/Berlin")
    (line,) = (await office.get("udo", "/audit", actor="anna"))["items"]
    assert (line["event"], line["channel"]) == ("person_changed", "console")


@pytest.mark.parametrize(("field", "value"), [("language", "fr"), ("zone", "Mars/Olympus")])
async def test_what_is_no_language_or_zone_changes_nothing(
    office: Office, field: str, value: str
) -> None:
    browser = await Browser.of(office, "anna")
    before = office.services.people.get("anna")
    given = {"language": "en", "zone": "UTC"} | {field: value}
    page = await (await browser.get("/me")).send("settings", **given)
    assert page.status == 422
    assert office.services.people.get("anna") == before


async def test_a_new_password_ends_the_other_sessions(office: Office) -> None:
    """Whoever had the old one would stay."""
    browser, other = await Browser.of(office, "anna"), await Browser.of(office, "anna")
    ben = await Browser.of(office, "ben")
    page = await browser.get("/me")
    page = await page.send("password", old=PASSWORD, new=NEW, again=NEW)
    assert page.notice.startswith("You have a new password")
    assert (await browser.get("/inbox")).path == "/inbox"
    assert (await other.get("/inbox")).path == "/login"
    assert (await ben.get("/inbox")).path == "/inbox"
    assert (await other.log_in("anna")).status == 401
    assert (await other.log_in("anna", NEW)).path == "/inbox"


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("not this one", NEW, NEW, "not your password"),
        ("", NEW, NEW, "not your password"),
        (PASSWORD, NEW, NEW + "x", "differ"),
        (PASSWORD, "short", "short", "at least 10 characters"),
    ],
)
async def test_a_password_that_is_not_taken_changes_nothing(
    office: Office, old: str, new: str, again: str, said: str
) -> None:
    browser, other = await Browser.of(office, "anna"), await Browser.of(office, "anna")
    before = office.services.passwords.hash_of("anna")
    page = await (await browser.get("/me")).send("password", old=old, new=new, again=again)
    assert page.status == 422
    assert said in page.notice
    assert office.services.passwords.hash_of("anna") == before
    assert (await other.get("/inbox")).path == "/inbox"


async def test_the_old_password_cannot_be_guessed_here(office: Office) -> None:
    browser = await Browser.of(office, "anna")
    page = await browser.get("/me")
    for number in range(5):
        await page.send("password", old=f"guess {number}", new=NEW, again=NEW)
    late = await page.send("password", old=PASSWORD, new=NEW, again=NEW)
    assert late.status == 429
    assert int(late.response.headers["retry-after"]) > 0


async def test_who_has_no_password_sets_none(office: Office) -> None:
    """An open browser would be enough to keep the account."""
    browser = Browser(office)
    secret = office.services.sessions.open("anna")
    browser.carry("__Host-musterwerk", secret)
    page = await browser.get("/me")
    assert "An administrator can give you one" in page.text
    token = page.form("settings").fields["form"]
    form = {"form": token, "old": "", "new": NEW, "again": NEW}
    assert (await browser.http.post("/me/password", data=form)).status_code == 422
    assert office.services.passwords.hash_of("anna") is None


async def test_one_sees_ones_sessions_and_ends_them_all(office: Office) -> None:
    browser, other = await Browser.of(office, "anna"), await Browser.of(office, "anna")
    ben = await Browser.of(office, "ben")
    page = await browser.get("/me")
    assert page.text.count("last used") == 2
    assert page.text.count("this browser") == 1
    page = await page.send("sessions")
    assert page.path == "/login"
    assert (await browser.get("/inbox")).path == "/login"
    assert (await other.get("/inbox")).path == "/login"
    assert (await ben.get("/inbox")).path == "/inbox"


async def test_days_away_are_those_where_one_is(office: Office) -> None:
    people = office.services.people
    people.change("anna", actor="test", channel="cli", zone="America/New_York")
    browser = await Browser.of(office, "anna")
    page = await browser.get("/me")
    page = await page.send("absences", **{"from": "2099-07-01", "until": "2099-07-02"})
    assert page.notice == "Noted: you are away."
    (row,) = people.absences()
    assert row.starts == datetime(2099, 7, 1, 4, tzinfo=UTC)
    assert row.ends == datetime(2099, 7, 3, 4, tzinfo=UTC)
    assert row.person == "anna"


async def test_a_substitute_decides_until_one_is_back(office: Office) -> None:
    people, today = office.services.people, datetime.now(UTC).date()
    browser = await Browser.of(office, "anna")
    days = {"from": str(today), "until": str(today + timedelta(days=3))}
    page = await (await browser.get("/me")).send("absences", **days, substitute="carla")
    assert "Carla stands in" in page.text
    assert "group:finance" in people.principals_of("carla", datetime.now(UTC))
    page = await page.send("end")
    assert page.notice == "The absence is removed."
    assert people.absences() == []
    assert "group:finance" not in people.principals_of("carla", datetime.now(UTC))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"from": "2099-01-02", "until": "2099-01-01"}, "Give two days"),
        ({"from": "2099-01-02", "until": ""}, "Give two days"),
        ({"from": "tomorrow", "until": "2099-01-01"}, "Give two days"),
        ({"from": "2020-01-01", "until": "2020-01-02"}, "over"),
        ({"from": "2099-01-01", "until": "2099-01-02", "substitute": "nobody"}, "Nobody active"),
        ({"from": "2099-01-01", "until": "2099-01-02", "substitute": "anna"}, "for yourself"),
        ({"from": "9999-12-31", "until": "9999-12-31"}, "Give two days"),
    ],
)
async def test_days_that_cannot_be_are_not_noted(
    office: Office, typed: dict[str, str], said: str
) -> None:
    browser = await Browser.of(office, "anna")
    page = await (await browser.get("/me")).send("absences", **typed)
    assert page.status == 422
    assert said in page.notice
    assert page.form("absences").fields["from"] == typed["from"]
    assert office.services.people.absences() == []


async def test_absences_of_others_are_not_ones_own(office: Office) -> None:
    """Somebody could send a colleague back to work, or make themselves their substitute."""
    anna, ben = await Browser.of(office, "anna"), await Browser.of(office, "ben")
    page = await anna.get("/me")
    await page.send("absences", **{"from": "2099-07-01", "until": "2099-07-02"})
    (row,) = office.services.people.absences()
    mine = await ben.get("/me")
    form = {"form": mine.form("settings").fields["form"]}
    answer = await ben.http.post(f"/me/absences/{row.id}/end", data=form)
    assert answer.status_code == 404
    days = {"from": "2099-07-01", "until": "2099-07-02", "person": "anna", "substitute": "carla"}
    await mine.send("absences", **days)
    found = {(one.person, one.substitute) for one in office.services.people.absences()}
    assert found == {("anna", None), ("ben", "carla")}
