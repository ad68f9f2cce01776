"""A mail server that catches everything: `python -m musterwerk.shop.smtp --fd N --data DIR`.

What it takes is on disk, in the Maildir `DIR/mailbox`, before it says so. It sends nothing on.
"""

from __future__ import annotations

import asyncio
import logging
import mailbox
import signal
import socket
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from musterwerk.shop.services.process import log_to_stderr, on_end_of_stdin, parser

MAX_BYTES = 1024 * 1024


class Catcher:
    """The handler behind the server: every mail becomes a file."""

    def __init__(self, folder: Path) -> None:
        self._mails = mailbox.Maildir(folder, create=True)

    async def handle_DATA(  # noqa: N802 - aiosmtpd looks for this name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self._mails.add(envelope.original_content or b"")
        return "250 OK"


async def serve(fd: int, folder: Path) -> None:
    """Serve on an inherited listening socket until SIGTERM or the end of stdin."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    on_end_of_stdin(lambda: loop.call_soon_threadsafe(told.set))
    catcher = Catcher(folder)
    server = await loop.create_server(
        lambda: SMTP(catcher, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True, loop=loop),
        sock=socket.socket(fileno=fd),
    )
    logging.getLogger(__name__).info("catching mail in %s", folder)
    try:
        await told.wait()
    finally:
        server.close()


def main() -> None:
    options = parser("smtp").parse_args()
    log_to_stderr()
    logging.getLogger("mail.log").setLevel(logging.WARNING)  # else each line of each dialogue
    asyncio.run(serve(options.fd, options.data / "mailbox"))


if __name__ == "__main__":
    main()
