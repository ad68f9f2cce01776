"""A mail server that misbehaves on cue, for what the catching one never does."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Generator, Mapping


class ScriptedSmtp(socketserver.ThreadingTCPServer):
    """Answers each command by the script: a line to send, or None to hang up.

    "." stands for the end of the mail itself. `mails` counts those that came that far.
    `gate`, while it is cleared, holds back the answer to the mail.
    """

    daemon_threads = True

    def __init__(self, script: Mapping[str, str | None]) -> None:
        self.script: dict[str, str | None] = {
            "EHLO": "250 scripted",
            "MAIL": "250 ok",
            "RCPT": "250 ok",
            "DATA": "354 go on",
            ".": "250 taken",
            "QUIT": "221 bye",
            **script,
        }
        self.mails = 0
        self.reached = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        super().__init__(("127.0.0.1", 0), _Dialogue)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Dialogue(socketserver.StreamRequestHandler):
    server: ScriptedSmtp  # pyright: ignore[reportIncompatibleVariableOverride] - the one that made it

    def handle(self) -> None:
        self._say("220 scripted")
        for line in self.rfile:
            verb = line.split()[0].decode().upper()
            if not self._say(self.server.script[verb]):
                return
            if verb == "DATA" and not self._take_mail():
                return

    def _take_mail(self) -> bool:
        for line in self.rfile:
            if line == b".\r\n":
                self.server.mails += 1
                self.server.reached.set()
                self.server.gate.wait(20)
                return self._say(self.server.script["."])
        return False

    def _say(self, line: str | None) -> bool:
        if line is not None:
            self.wfile.write(line.encode() + b"\r\n")
        return line is not None


@contextlib.contextmanager
def scripted(script: Mapping[str, str | None] | None = None) -> Generator[ScriptedSmtp, None, None]:
    with ScriptedSmtp(script or {}) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()
