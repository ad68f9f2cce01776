"""A browser without JavaScript: follows links, sends forms, keeps cookies as if over TLS."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx

from musterwerk.approvals import ApprovalHandle, ApprovalRequest, Policy, start
from musterwerk.console.access.hashing import hashed
from tests.console.office import Office
from tests.waiting import LIMIT

PASSWORD = "correct horse battery"  # noqa: S105


async def asked(
    office: Office, subject: str, *, details: Any = None, **fields: Any
) -> ApprovalHandle[Any]:
    """A request that is in the inbox of finance: Anna and Ben. Fields of policies go there."""
    policy = {name: fields.pop(name) for name in ("quorum", "login_required") if name in fields}
    standard: dict[str, Any] = {
        "details": details or {"amount": "730.00 EUR"},
        "requester": "rita",
        "policy": Policy(approvers=("group:finance",), **policy),
    }
    request = ApprovalRequest[Any](subject=subject, **(standard | fields))
    client = await office.services.temporal.client()
    services = office.services
    handle = await start(
        client, request, task_queue=services.task_queue, patience=services.patience
    )
    await handle.status()
    return handle


class Browser:
    def __init__(self, office: Office, language: str = "en", address: str = "127.0.0.1") -> None:
        inside = httpx.ASGITransport(office.app, client=(address, 1))
        transport = inside if office.url == "http://console" else None
        self.office = office
        self.http = httpx.AsyncClient(
            transport=transport,
            base_url=office.url.replace("http://console", "https://console"),
            follow_redirects=True,
            headers={"Accept-Language": language},
            timeout=LIMIT,
        )

    @classmethod
    async def of(cls, office: Office, person: str) -> Browser:
        browser = cls(office)
        await browser.log_in(person)
        return browser

    def carry(self, name: str, value: str) -> None:
        """A cookie that somebody planted, or stole."""
        self.http.cookies.set(name, value, domain="console.local", path="/")

    async def get(self, path: str) -> Page:
        return Page.of(self, await self.http.get(path))

    async def log_in(
        self, person: str, password: str = PASSWORD, *, page: Page | None = None
    ) -> Page:
        if self.office.services.passwords.hash_of(person) is None:
            self.office.services.passwords.put(
                person, hashed(PASSWORD), actor="test", channel="cli"
            )
        page = page or await self.get("/login")
        return await page.send("login", name=person, password=password)


@dataclass(frozen=True)
class Form:
    action: str
    fields: dict[str, str | list[str]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.words: list[str] = []
        self.notices: list[str] = []
        self._link: str | None = None
        self._notice = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), {}))
        elif tag == "input" and self.forms and "name" in given and given.get("type") != "checkbox":
            self._add(given["name"], given.get("value", ""))
        elif tag == "a":
            self._link = given["href"]
        elif tag == "p" and "notice" in given.get("class", "").split() and "hidden" not in given:
            self._notice = True

    def _add(self, name: str, value: str) -> None:
        fields = self.forms[-1].fields
        before = fields.get(name)
        if before is None:
            fields[name] = value
        else:
            fields[name] = [*(before if isinstance(before, list) else [before]), value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._link = None
        elif tag == "p":
            self._notice = False

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if not words:
            return
        self.words.append(words)
        if self._link is not None:
            self.links[words] = self._link
        if self._notice:
            self.notices.append(words)


@dataclass(frozen=True)
class Page:
    browser: Browser
    response: httpx.Response
    forms: list[Form]
    links: dict[str, str]
    text: str
    notice: str

    @classmethod
    def of(cls, browser: Browser, response: httpx.Response) -> Page:
        reader = _Reader()
        reader.feed(response.text)
        text, notice = " ".join(reader.words), " ".join(reader.notices)
        return cls(browser, response, reader.forms, reader.links, text, notice)

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        """With its query, but for where a log-in leads."""
        parts = urlsplit(str(self.response.url))
        return parts.path + (f"?{parts.query}" if parts.query and parts.path != "/login" else "")

    async def follow(self, words: str) -> Page:
        return await self.browser.get(self.links[words])

    def form(self, kind: str) -> Form:
        """The one whose address ends so."""
        return next(one for one in self.forms if one.action.endswith(f"/{kind}"))

    async def send(self, kind: str, **typed: str) -> Page:
        form = self.form(kind)
        answer = await self.browser.http.post(form.action, data={**form.fields, **typed})
        return Page.of(self.browser, answer)
