"""Who is told, and how: from the environment, checked as a whole before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from musterwerk.errors import UsageError
from musterwerk.notify.mail import Mailbox, MailServer
from musterwerk.notify.message import Target
from musterwerk.notify.webhook import Webhook

Language = Literal["en", "de"]

_SMTP = "MUSTERWERK_SMTP"
_FROM = "MUSTERWERK_MAIL_FROM"
_TO = "MUSTERWERK_ALERT_MAIL"
_WEBHOOK = "MUSTERWERK_ALERT_WEBHOOK"
_LANGUAGE = "MUSTERWERK_LANGUAGE"
_DEAD_MAN = "MUSTERWERK_DEAD_MAN_URL"
#: Where people reach the console.
CONSOLE_URL = "MUSTERWERK_CONSOLE_URL"
_PORTS = {"smtp": 25, "smtps": 465}
#: Where nobody listens on the way.
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Settings:
    """`targets` is empty where nobody is to be alerted. `dead_man` is a URL that is told again and
    again that all is well.

    `server` and `sender` are for mail to anybody else. `console` is where people reach the
    console, without a slash at the end; None where mails have no links.
    """

    targets: tuple[Target, ...] = ()
    language: Language = "en"
    server: MailServer | None = None
    sender: Address | None = None
    console: str | None = None
    dead_man: str | None = None

    def mailbox(self, address: str) -> Mailbox | None:
        """None if no mail can be sent, or not to this address."""
        to = _parsed(address)
        if self.server is None or self.sender is None or to is None:
            return None
        return Mailbox(self.server, self.sender, to)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Raises `UsageError` that names the variable and what is expected of it."""
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        targets: list[Target] = []
        if webhook := given.get(_WEBHOOK):
            targets.append(Webhook(_web_address(_WEBHOOK, webhook)))
        # Checked even where nobody is to be alerted: a typo is found today, not on that day.
        server = _server(given[_SMTP]) if _SMTP in given else None
        sender = _address(_FROM, given[_FROM]) if _FROM in given else None
        if server is not None and sender is None:
            raise UsageError(f"{_SMTP} is set, so {_FROM} has to be set too: name@domain")
        for one in filter(None, (part.strip() for part in given.get(_TO, "").split(","))):
            if server is None or sender is None:
                raise UsageError(f"{_TO} is set, so {_SMTP} has to be set too: smtp://HOST:PORT")
            targets.append(Mailbox(server, sender, _address(_TO, one)))
        different = tuple({target.name: target for target in targets}.values())
        console = _console(given[CONSOLE_URL]) if CONSOLE_URL in given else None
        dead_man = _web_address(_DEAD_MAN, given[_DEAD_MAN]) if _DEAD_MAN in given else None
        return cls(different, _language(given), server, sender, console, dead_man)


def _language(given: Mapping[str, str]) -> Language:
    language = given.get(_LANGUAGE, "en").lower()
    if language == "en" or language == "de":
        return language
    raise UsageError(f"{_LANGUAGE} is {language!r}; en or de is expected")


def _address(variable: str, text: str) -> Address:
    address = _parsed(text)
    if address is None:
        raise UsageError(f"{variable}: {text!r} is no mail address; name@domain is expected")
    return address


def _parsed(text: str) -> Address | None:
    """None if it is no address, or one that could not go into a header as it is."""
    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return None
    usual = text.isascii() and text.isprintable() and address.username and address.domain
    return address if usual else None


def _server(text: str) -> MailServer:
    parts = _split(text)
    # The value is not repeated in messages: it may hold a password.
    if parts is None or parts.scheme not in _PORTS or parts.path not in ("", "/"):
        raise UsageError(f"{_SMTP}: smtp://[USER:PASSWORD@]HOST:PORT or smtps://... is expected")
    if parts.username and parts.password is None:
        raise UsageError(f"{_SMTP} names a user without a password; USER:PASSWORD@ is expected")
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _web_address(variable: str, text: str) -> str:
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https"):
        raise UsageError(f"{variable}: http://HOST/PATH or https://HOST/PATH is expected")
    return text


def _console(text: str) -> str:
    """Links in mails are secrets: they go over TLS. The console is at the root of its host."""
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https"):
        raise UsageError(f"{CONSOLE_URL} is {text!r}; https://HOST is expected")
    if parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        raise UsageError(
            f"{CONSOLE_URL} is {text!r}; links in mails are secret, so https:// is expected "
            "(http:// only for localhost)"
        )
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if not bare or "@" in parts.netloc or not text.isascii() or not text.isprintable():
        raise UsageError(f"{CONSOLE_URL}: https://HOST[:PORT] and nothing more is expected")
    return f"{parts.scheme}://{parts.netloc}"


def _split(text: str) -> SplitResult | None:
    """None if it is no address with a host and, if any, a valid port."""
    try:
        parts = urlsplit(text)
        valid = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts if valid else None
