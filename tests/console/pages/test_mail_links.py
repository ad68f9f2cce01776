"""Links in mails, as they are really sent: people decide and answer by them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import BaseModel

from musterwerk.console.running import mail_decisions
from musterwerk.errors import UsageError
from tests.console.office import Office
from tests.console.pages.browsing import PASSWORD, Browser, asked
from tests.console.pages.mailing import SUBJECT, Post, decide, links_in, text_of


async def test_a_person_decides_by_the_link_in_the_mail(post: Post) -> None:
    handle = await asked(post.office, SUBJECT)
    mail = (await post.mails())["anna"]
    link = links_in({"anna": mail})["anna"]
    assert f'href="https://console{link}"' in text_of(mail, "html")
    assert "Opening the link decides nothing." in text_of(mail)
    assert "musterwerk approvals" not in text_of(mail)
    browser = Browser(post.office)
    page = await browser.get(link)
    assert SUBJECT in page.text
    assert "You decide as Anna." in page.text
    page = await decide(browser, link)
    assert (page.path, page.notice) == (link, "Approved. Nothing more to do.")
    decision = await handle.result()
    assert [(vote.person, vote.channel) for vote in decision.votes] == [("anna", "mail")]


async def test_mail_and_pages_are_in_the_persons_language(post: Post) -> None:
    await asked(post.office, SUBJECT)
    mail = (await post.mails())["ben"]
    assert "Das Öffnen allein entscheidet nichts." in text_of(mail)
    assert "Anfrage öffnen</a>" in text_of(mail, "html")
    browser = Browser(post.office, language="en")
    page = await browser.get(links_in({"ben": mail})["ben"])
    assert "Sie entscheiden als Ben." in page.text
    assert 'lang="de"' in page.response.text
    page = await decide(browser, page.path)
    assert page.notice == "Genehmigt. Mehr ist nicht zu tun."


async def test_two_people_two_links_and_the_later_one_is_told(post: Post) -> None:
    await asked(post.office, SUBJECT)
    links = links_in(await post.mails())
    anna, ben = Browser(post.office), Browser(post.office)
    late = await ben.get(f"{links['ben']}/decide/reject")
    assert (await decide(anna, links["anna"])).status == 200
    late = await late.send("reject", press="reject", reason="zu teuer")
    assert late.status == 409
    assert "Zu spät: entschieden von Anna" in late.notice
    page = await ben.get(links["ben"])
    assert "Entschieden von Anna am" in page.notice
    assert "/decide/" not in page.response.text


async def test_of_two_who_have_to_agree_each_has_a_link(post: Post) -> None:
    handle = await asked(post.office, SUBJECT, quorum=2)
    links = links_in(await post.mails())
    page = await decide(Browser(post.office), links["anna"])
    assert page.notice.startswith("You have decided: Approve. Others decide as well")
    page = await decide(Browser(post.office), links["ben"])
    assert page.notice.startswith("Genehmigt.")
    assert (await handle.result()).by == ("anna", "ben")


async def test_a_rejection_without_a_reason_does_not_use_the_link_up(post: Post) -> None:
    handle = await asked(post.office, SUBJECT)
    link, browser = await post.link("anna"), Browser(post.office)
    page = await decide(browser, link, "reject")
    assert page.status == 422
    assert "a rejection needs a reason" in page.notice
    page = await page.send("reject", press="reject", reason="too much")
    assert page.notice == "Rejected. Nothing more to do."
    assert (await handle.result()).reason == "too much"


class Check(BaseModel):
    amount: int
    note: str = ""


async def test_a_typed_answer_is_given_by_the_link(post: Post) -> None:
    handle = await asked(post.office, SUBJECT, answer=Check, answer_for=("approve",))
    link, browser = await post.link("anna"), Browser(post.office)
    page = await decide(browser, link, **{"answer.amount": "much"})
    assert page.status == 422
    assert 'value="much"' in page.response.text
    page = await page.send("approve", press="approve", **{"answer.amount": "730"})
    assert page.notice == "Approved. Nothing more to do."
    assert (await handle.result()).answer == Check(amount=730)


async def test_who_stands_in_decides_in_the_place_of_the_absent(post: Post) -> None:
    people, now = post.office.services.people, post.office.services.now()
    away = {"person": "ben", "from": now - timedelta(days=1), "until": now + timedelta(days=1)}
    carla = {"name": "Carla", "mail": "carla@example.com", "groups": ["managers"]}
    people.apply(
        {"people": {"carla": carla}, "absences": [{**away, "substitute": "carla"}]},
        actor="test",
        channel="cli",
    )
    handle = await asked(post.office, SUBJECT)
    await decide(Browser(post.office), await post.link("carla"))
    (vote,) = (await handle.result()).votes
    assert (vote.person, vote.on_behalf_of, vote.channel) == ("carla", "ben", "mail")


async def test_a_link_is_used_once(post: Post) -> None:
    handle = await asked(post.office, SUBJECT, quorum=2)
    link, browser = await post.link("anna"), Browser(post.office)
    page, second = [await browser.get(f"{link}/decide/approve") for _ in range(2)]
    assert (await page.send("approve", press="approve")).status == 200
    again = await page.send("approve", press="approve")
    assert (again.status, again.path) == (200, link)
    other = await second.send("approve", press="approve")
    assert other.status == 409
    assert "This link has been used" in other.text
    assert (await browser.get(f"{link}/decide/reject")).status == 409
    assert len((await handle.status()).votes) == 1


async def test_a_mail_that_is_sent_again_leaves_the_links_of_others_alone(post: Post) -> None:
    """Ben would press the link of a mail that came, and be told that it is not valid."""
    await asked(post.office, SUBJECT)
    services, start = post.office.services, post.office.services.now()
    post.server.unknown.add("anna@example.com")
    first = links_in(await post.mails())
    assert set(first) == {"ben"}
    post.server.unknown.clear()
    services.now = lambda: start + timedelta(minutes=1)
    second = links_in(await post.mails())
    assert set(second) == {"anna"}
    browser = Browser(post.office)
    assert (await browser.get(first["ben"])).status == 200
    assert (await browser.get(second["anna"])).status == 200


async def test_where_log_in_is_required_the_link_alone_shows_nothing(post: Post) -> None:
    handle = await asked(post.office, SUBJECT, login_required=True)
    mail = (await post.mails())["anna"]
    assert "You have to log in" in text_of(mail)
    link, browser = links_in({"anna": mail})["anna"], Browser(post.office)
    page = await browser.get(link)
    assert (page.path, SUBJECT in page.text) == ("/login", False)
    pressed = await browser.http.post(f"{link}/decide/approve", data={"press": "approve"})
    assert pressed.url.path == "/login"
    assert (await handle.status()).votes == ()
    page = await browser.log_in("anna", PASSWORD, page=page)
    assert page.path == link
    assert SUBJECT in page.text
    page = await decide(browser, link)
    assert page.notice == "Approved. Nothing more to do."
    assert (await handle.result()).votes[0].channel == "mail"


async def test_links_that_only_show(post: Post) -> None:
    handle = await asked(post.office, SUBJECT)
    post.office.services.mail_decisions = False
    link, browser = await post.link("anna"), Browser(post.office)
    page = await browser.get(link)
    assert "Links in mails only show." in page.text
    assert page.links["To the request"] == f"/requests/{handle.id}"
    assert (await browser.get(f"{link}/decide/approve")).status == 403
    form = await browser.http.post(f"{link}/decide/approve", data={"press": "approve"})
    assert form.status_code == 403
    assert (await handle.status()).votes == ()


async def test_a_question_is_answered_by_its_link(post: Post) -> None:
    handle = await asked(post.office, SUBJECT)
    await post.mails()
    await handle.request_info("Which order?", by="anna")
    link, browser = await post.link("rita"), Browser(post.office)
    page = await browser.get(link)
    assert "Which order?" in page.text
    page = await page.follow("Answer the question")
    page = await page.send("answer", press="answer", text="C-17")
    assert page.notice == "Done. Nothing more to do for you."
    assert (await handle.status()).state == "open"
    assert "C-17" in text_of((await post.mails())["anna"])


async def test_a_decision_while_no_worker_runs_is_recorded(office: Office) -> None:
    async with Post.of(office) as post:
        async with office.worker():
            handle = await asked(office, SUBJECT)
            link = await post.link("anna")
        browser = Browser(office)
        page = await decide(browser, link)
        assert page.notice.startswith("Recorded. It is applied in a moment")
        assert (await browser.get(f"{link}/decide/reject")).status == 409
        async with office.worker():
            assert (await handle.result()).by == ("anna",)
        assert (await browser.get(link)).notice == "Approved. Nothing more to do."


@pytest.mark.parametrize(("given", "on"), [("", True), ("on", True), (" OFF ", False)])
def test_whether_links_decide_is_a_setting(given: str, on: bool) -> None:
    assert mail_decisions({"MUSTERWERK_MAIL_DECISIONS": given}) == on


def test_a_typo_does_not_switch_decisions_on() -> None:
    with pytest.raises(UsageError, match=r"MUSTERWERK_MAIL_DECISIONS is 'no'; on or off"):
        mail_decisions({"MUSTERWERK_MAIL_DECISIONS": "no"})
