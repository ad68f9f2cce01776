"""All that an outsider needs to verify the trail with code of their own, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any, cast

from musterwerk.store.audit_folder import AuditFolder, public_pem
from musterwerk.store.auditing.reading import Line, pages, snapshot
from musterwerk.store.checkpoints import key_id
from musterwerk.store.database import Store


def export(store: Store, folder: AuditFolder) -> Generator[str]:
    """The public key, then the checkpoints, then the lines; nothing is verified here."""
    upto, files = snapshot(store, folder)
    key = folder.public_key()
    if key is not None:
        yield _line("key", {"key_id": key_id(key), "pem": public_pem(key).decode("ascii")})
    for line in files.lines:
        yield _line("checkpoint", _read(line))
    for page in pages(store, upto):
        for line in page:
            yield _line("line", _content(line))


def _content(line: Line) -> dict[str, Any]:
    return line | {"data": _read(str(line["data"]))}


def _read(text: str) -> Any:
    """What cannot be read is handed on as it is: the reader shall see it, too."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _line(kind: str, content: object) -> str:
    if not isinstance(content, dict):
        content = {"unreadable": content}
    fields = {"type": kind} | cast("dict[str, Any]", content)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), default=repr)
