"""One attempt at delivering a mail over SMTP, with an answer that says what is known of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from musterwerk.shop.services.mail.letters import SENDER


class NotDelivered(Exception):
    """The mail was certainly not delivered. `for_good`: it never will be, as the server says."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class Unclear(Exception):
    """The server had the mail, or a part of it, and did not say whether it took it."""


@dataclass(frozen=True)
class Postman:
    """Speaks to one SMTP server; `timeout` in seconds is for each of its answers."""

    host: str
    port: int
    timeout: float = 5.0

    async def deliver(self, mail: EmailMessage, recipient: str) -> None:
        """Returns once the server has taken the mail; raises NotDelivered or Unclear."""
        server = aiosmtplib.SMTP(
            hostname=self.host, port=self.port, timeout=self.timeout, start_tls=False
        )
        try:
            await self._address(server, recipient)
            await self._hand_over(server, mail)
            # The mail is theirs by now, whatever becomes of the good-bye.
            with suppress(aiosmtplib.SMTPException, OSError):
                await server.quit()
        finally:
            server.close()

    async def _address(self, server: aiosmtplib.SMTP, recipient: str) -> None:
        # Up to here the server has seen no mail: whatever goes wrong, nothing was delivered.
        options, encoding = ([], "ascii") if recipient.isascii() else (["SMTPUTF8"], "utf-8")
        try:
            await server.connect()
            await server.mail(SENDER.addr_spec, options=options, encoding=encoding)
            await server.rcpt(recipient, encoding=encoding)
        except aiosmtplib.SMTPRecipientRefused as error:
            raise NotDelivered(str(error), for_good=error.code >= 500) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotDelivered(str(error) or type(error).__name__) from error

    async def _hand_over(self, server: aiosmtplib.SMTP, mail: EmailMessage) -> None:
        try:
            await server.data(mail.as_bytes())
        except aiosmtplib.SMTPDataError as error:
            raise NotDelivered(str(error), for_good=error.code >= 500) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unclear(str(error) or type(error).__name__) from error
