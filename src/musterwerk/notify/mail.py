"""Mail, through the SMTP server that is configured."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime

import aiosmtplib

from musterwerk.errors import AlertError
from musterwerk.notify.message import Message

_SECONDS = 10.0
#: What a mail server says that it will say again.
_FOR_GOOD = 500


@dataclass(frozen=True)
class MailServer:
    """`tls` from the first byte (smtps). Otherwise STARTTLS is used where the server offers it,
    and insisted on before a password leaves this machine.
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None

    async def deliver(self, mail: EmailMessage) -> None:
        insist = None if self.user is None or _is_here(self.host) else True
        try:
            await aiosmtplib.send(
                mail,
                hostname=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                use_tls=self.tls,
                start_tls=False if self.tls else insist,
                timeout=_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise AlertError(
                f"the mail server {self.host}:{self.port} did not take the mail: "
                f"{type(error).__name__}: {error}",
                refused=_is_refusal(error),
            ) from error


@dataclass(frozen=True)
class Mailbox:
    """One address that is told by mail."""

    server: MailServer
    sender: Address
    address: Address

    @property
    def name(self) -> str:
        return f"mail:{self.address.addr_spec}"

    async def send(self, message: Message) -> None:
        await self.server.deliver(_mail(self.sender, self.address, message))


def _is_refusal(error: Exception) -> bool:
    """Whether the server is well, but does not want this mail or does not know its address."""
    if isinstance(error, aiosmtplib.SMTPDataError):
        return error.code >= _FOR_GOOD
    return isinstance(error, aiosmtplib.SMTPRecipientsRefused | UnicodeError)


def _mail(sender: Address, to: Address, message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = _one_line(message.subject)
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{message.key}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # keeps holiday notices from answering
    mail.set_content(_clean(message.text), cte="quoted-printable")
    if message.html is not None:
        mail.add_alternative(_clean(message.html), subtype="html", cte="quoted-printable")
    # At last: a second part takes all Content headers there are for the first one's.
    if message.language is not None:
        mail["Content-Language"] = _one_line(message.language)
    return mail


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in _clean(text))


def _clean(text: str) -> str:
    """Without halves of surrogate pairs and control characters, which no mail can hold."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in whole)


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
