"""Each request's own chain of entries, and what Temporal knows of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from musterwerk.canonical import canonical
from musterwerk.store.audit_tables import iso
from musterwerk.store.auditing.verdict import Deviates, Retained

#: What an entry consists of, besides its number, its time and its data.
_SAME = ("event", "actor", "channel", "on_behalf_of", "digest")


def seal_of(before: str, number: int, line: Mapping[str, Any], data: Any) -> str:
    """As `approvals.state.Entry.seal` computes it, from the line's columns as they are stored."""
    at = str(line["at"]).replace(".000000", "").replace("+00:00", "Z")
    content = {name: line[name] for name in _SAME} | {"number": number, "at": at, "data": data}
    return hashlib.sha256(canonical([before, content])).hexdigest()


class Stories:
    """Told of each line in order, it follows all requests; some 200 bytes for each."""

    def __init__(self, retained: Iterable[Retained] = ()) -> None:
        self._retained = {_name(one.request_id, one.started_at): one for one in retained}
        #: How many entries of each there were, and the record over them.
        self._stands: dict[str, tuple[int, bytes]] = {}
        #: Those that came before their turn: two activities may overtake each other.
        self._early: dict[str, dict[int, tuple[Mapping[str, Any], Any]]] = {}

    def see(self, line: Mapping[str, Any], data: Any) -> None:
        """Raises `Deviates`."""
        place = _place(line)
        if place is None:
            return
        name, number = place
        early = self._early.setdefault(name, {})
        early[number] = (line, data)
        while (due := self._stands.get(name, (0, b""))[0] + 1) in early:
            self._take(name, due, *early.pop(due))
        if not early:
            del self._early[name]

    def end(self, seq: int) -> None:
        """Raises `Deviates` where the trail is not what Temporal says."""
        gaps = [
            (min(line["seq"] for line, _ in early.values()), name)
            for name, early in self._early.items()
        ]
        for first, name in sorted(gaps):
            due = self._stands.get(name, (0, b""))[0] + 1
            raise Deviates(first, f"entry {due} of the request {name} is missing")
        for name, one in self._retained.items():
            self._against(name, one, seq)

    def _take(self, name: str, number: int, line: Mapping[str, Any], data: Any) -> None:
        _, before = self._stands.get(name, (0, b""))
        record = seal_of(before.hex(), number, line, data)
        if record != line["record"]:
            what = f"line {line['seq']}, entry {number} of the request {name}, was changed"
            raise Deviates(line["seq"], what, f"record {record}", f"record {line['record']}")
        self._stands[name] = (number, bytes.fromhex(record))
        known = self._retained.get(name)
        if known is not None and known.version == number and known.record != record:
            what = f"the request {name} is not what Temporal's history says of it"
            raise Deviates(line["seq"], what, f"record {known.record}", f"record {record}")

    def _against(self, name: str, known: Retained, seq: int) -> None:
        """A step is taken when it is on record: the trail may be ahead, and never behind."""
        found = self._stands.get(name, (0, b""))[0]
        if found == known.version or (found > known.version and known.may_grow):
            return
        what = f"the trail of the request {name} is not that of Temporal"
        raise Deviates(seq + 1, what, f"{known.version} entries", f"{found} entries")


def _name(request_id: str, started_at: datetime) -> str:
    return f"{request_id}@{iso(started_at)}"


def _place(line: Mapping[str, Any]) -> tuple[str, int] | None:
    """Which entry of which request a line is; None where it is none."""
    request_id = line["request_id"]
    head, _, number = str(line["source"]).rpartition("/")
    if request_id is None or not head.startswith(f"{request_id}@") or not number.isdecimal():
        if line["record"]:
            what = f"line {line['seq']} has a record, but is no entry of a request"
            raise Deviates(line["seq"], what, "REQUEST@START/NUMBER", str(line["source"]))
        return None
    try:
        started = datetime.fromisoformat(head.removeprefix(f"{request_id}@"))
        return _name(request_id, started), int(number)
    except ValueError:
        what = f"line {line['seq']} names no time at which its request was started"
        raise Deviates(line["seq"], what, found=str(line["source"])) from None
