"""The ports of a data folder: the same at every start, for whoever was told the address once."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

LOCALHOST = "127.0.0.1"
_HIGHEST = 65535


class KeptPorts:
    """The file DATA/ports.json: the last port of each part, by name."""

    def __init__(self, data: Path) -> None:
        self.path = data / "ports.json"

    def of(self, name: str) -> int | None:
        port = self._read().get(name)
        return port if isinstance(port, int) and 0 < port <= _HIGHEST else None

    def keep(self, **ports: int) -> None:
        """Written beside and renamed, so that nobody reads half a file."""
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(self._read() | ports, indent=2) + "\n")
        draft.replace(self.path)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text())
        except (OSError, ValueError):  # lost or damaged: ports are chosen anew
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def choose_ports(*wanted: int | None) -> tuple[int, ...]:
    """As many different free ports; those that are wanted, where they are free."""
    with ExitStack() as stack:
        return tuple(_bound(stack.enter_context(socket.socket()), one) for one in wanted)


def _bound(sock: socket.socket, wanted: int | None) -> int:
    if wanted is not None:
        # As servers do: what is still closing of the last one's connections holds up nobody.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOCALHOST, wanted))
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        else:
            return wanted
    sock.bind((LOCALHOST, 0))
    return sock.getsockname()[1]
