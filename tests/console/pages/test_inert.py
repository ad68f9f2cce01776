"""Whoever asks writes what approvers see: none of it may do anything in their browsers."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from musterwerk.approvals import ApprovalRequest, Policy, start
from musterwerk.store.directory import PersonRow
from tests.console.office import Office
from tests.console.pages.browsing import Browser

#: Each ends another place in which a careless page would put text.
EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "</textarea></title><svg onload=alert(1)>",
    "--><iframe srcdoc='<script>alert(1)</script>'>",
    "{{ 7 * 7 }}{% include 'base.html' %}",
    "%(who)s %s {who}",
    "&lt;script&gt;&#x3c;b&#x3e;",
]
ALL = " ".join(EVIL)
#: What pages of ours never have, and the texts above would like to be.
_ELEMENTS = {"img", "svg", "iframe", "object", "embed", "base", "style", "a comment"}
_ATTRIBUTES = {"x", "srcdoc", "srcset", "style", "formaction", "http-equiv", "background"}


class Seen(HTMLParser):
    """What a browser makes of a page: its elements, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.scripts: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        given = {name: value or "" for name, value in attrs}
        self.attributes |= set(given)
        self.addresses |= {given[name] for name in ("href", "src", "action") if name in given}
        if tag == "script":
            self.scripts.append(given.get("src", ""))

    def handle_comment(self, data: str) -> None:
        self.elements.add("a comment")

    def handle_data(self, data: str) -> None:
        self.text += data


def inert(html: str, *shown: str) -> None:
    seen = Seen()
    seen.feed(html)
    assert not seen.elements & _ELEMENTS
    assert (
        not {one for one in seen.attributes if one.startswith("on")} | seen.attributes & _ATTRIBUTES
    )
    assert seen.scripts == ["/static/musterwerk.js"]
    assert all(one.startswith("/") or one == "#main" for one in seen.addresses), seen.addresses
    text = " ".join(seen.text.split())
    for one in shown:
        assert " ".join(one.split()) in text, one


def nested(depth: int) -> Any:
    value: Any = {ALL: [ALL, {ALL: ALL}]}
    for _ in range(depth):
        value = {ALL: [value]}
    return value


@pytest.mark.parametrize("language", ["en", "de"])
async def test_what_the_requester_writes_is_text_and_nothing_else(
    served: Office, language: str
) -> None:
    requester, name = EVIL[1], ALL
    people = served.services.people
    people.add(PersonRow(requester, name), actor="test", channel="cli")
    people.change("ben", actor="test", channel="cli", name=ALL)
    people.change("anna", actor="test", channel="cli", name=ALL, language=language)
    with people.changes(actor="test", channel="cli") as change:
        change.join(EVIL[2], "anna")
    request = ApprovalRequest[Any](
        subject=ALL[:300],
        details={
            ALL: ALL,
            "rows": [{one: one for one in EVIL[:8]} for _ in range(2)],
            "link": "javascript:alert(1)",
            "list": [*EVIL, None, True, 7],
            "deep": nested(4),
        },
        requester=requester,
        outcomes=("approve", "reject", "javascript_alert"),
        policy=Policy(approvers=(f"group:{EVIL[2]}", "group:finance"), quorum=2),
        answer_schema={
            "type": "object",
            "title": ALL,
            "properties": {
                ALL: {"type": "string", "title": ALL, "description": ALL},
                "choice": {"enum": EVIL, "title": ALL, "description": ALL},
                "date": {"type": "string", "format": "date", "title": ALL},
                "yes": {"type": "boolean", "title": ALL},
                "json": {"type": "array", "title": ALL, "description": ALL},
                'answer" onfocus="alert(1)': {"type": "integer", "minimum": 0},
            },
        },
    )
    client = await served.services.temporal.client()
    handle = await start(
        client, request, task_queue=served.services.task_queue, patience=served.services.patience
    )
    for what in (
        handle.comment(ALL, by="ben"),
        handle.delegate("carla", by="ben", reason=ALL),
        handle.request_info(ALL, by="anna"),
    ):
        assert (await what).ok
    browser = await Browser.of(served, "anna")
    inert((await browser.get("/inbox?box=all")).response.text, ALL[:300], requester)
    page = await browser.get(f"/requests/{handle.id}")
    shown = (ALL[:300], *EVIL)
    inert(page.response.text, *shown)
    assert (await handle.inform(ALL, by=requester)).ok
    # What was typed comes back with the refusal.
    page = await browser.get(f"/requests/{handle.id}")
    typed = {"answer.choice": ALL, f"answer.{ALL}": ALL, "answer.json": ALL, "reason": ALL}
    again = await page.send("decide", outcome="approve", **typed)
    assert again.status == 422
    inert(again.response.text, *shown)
    again = await page.send("delegate", to=ALL, reason=ALL)
    assert again.status == 422
    inert(again.response.text, *shown)
    assert (await handle.reject(ALL, by="anna")).ok
    inert((await browser.get(f"/requests/{handle.id}")).response.text, *shown)
    inert((await browser.get("/inbox?box=decided")).response.text, ALL[:300])


@pytest.mark.parametrize("evil", EVIL)
async def test_what_stands_in_an_address_is_text_and_nothing_else(
    office: Office, evil: str
) -> None:
    """A link in a mail would do in the reader's name what its writer wanted."""
    browser, stranger = await Browser.of(office, "anna"), Browser(office)
    for who, path, query in [
        (browser, "/inbox", {"q": evil, "requester": evil, "box": "all"}),
        (browser, "/inbox", {"box": evil}),
        (browser, f"/requests/{evil.replace('/', '')}", {"act": evil}),
        (stranger, "/login", {"next": f"/{evil}"}),
        (stranger, "/nowhere", {"x": evil}),
    ]:
        answer = await who.http.get(path, params=query)
        inert(answer.text)
    page = await stranger.get("/login")
    answer = await page.send("login", name=evil, password=evil)
    assert answer.status == 401
    inert(answer.response.text)


async def test_ones_own_page_shows_others_names_as_text(office: Office) -> None:
    office.services.people.add(PersonRow(EVIL[1], ALL), actor="test", channel="cli")
    browser = await Browser.of(office, "anna")
    page = await browser.get("/me")
    days = {"from": EVIL[2], "until": EVIL[2], "substitute": ALL}
    again = await page.send("absences", **days)
    assert again.status == 422
    good = {"from": "2099-01-01", "until": "2099-01-02", "substitute": EVIL[1]}
    noted = await page.send("absences", **good)
    for one in (page, again, noted):
        inert(one.response.text)
