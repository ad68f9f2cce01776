"""The chain, line by line, with all that hangs on it. Pure: whoever calls it reads the lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from musterwerk.canonical import canonical
from musterwerk.store.audit import hash_of
from musterwerk.store.auditing.seals import Checked, Seals
from musterwerk.store.auditing.stories import Stories
from musterwerk.store.auditing.verdict import Deviates, Retained


class AuditVerifier:
    """Give it every line, in the order of `seq`, as text as it is stored; then ask for the end.

    The first deviation is raised, and ends it.
    """

    def __init__(self, checked: Checked, retained: Iterable[Retained] = ()) -> None:
        self.seals = Seals(checked)
        self.stories = Stories(retained)
        self.lines = 0
        self.notes_after = 0
        self._last = ""

    def see(self, line: Mapping[str, Any]) -> None:
        due, seq = self.lines + 1, line["seq"]
        if seq != due:
            raise Deviates(due, _gap(due, seq), f"line {due}", f"line {seq}")
        if line["previous"] != self._last:
            what = f"line {seq} does not follow on the line before"
            raise Deviates(seq, what, f"previous {self._last}", f"previous {line['previous']}")
        data = _data(line)
        mark = _mark(line, data)
        if mark != line["hash"]:
            what = f"line {seq} was changed: its content has another hash than was written with it"
            raise Deviates(seq, what, f"hash {mark}", f"hash {line['hash']}")
        self.lines, self._last = seq, mark
        is_note = self.seals.see(line, data)
        if self.seals.sealed_up_to == seq:
            self.notes_after = 0
        elif is_note:
            self.notes_after += 1
        self.stories.see(line, data)

    def end(self) -> None:
        """When all lines have been seen."""
        self.seals.end(self.lines)
        self.stories.end(self.lines)


def _gap(due: int, seq: int) -> str:
    if seq < due:
        return f"a line with the number {seq} is one too many"
    return f"line {due} is missing" if seq == due + 1 else f"lines {due} to {seq - 1} are missing"


def _data(line: Mapping[str, Any]) -> Any:
    try:
        data = json.loads(line["data"])
        if canonical(data).decode("ascii") == line["data"]:
            return data
    except (ValueError, TypeError, RecursionError):
        pass
    what = f"line {line['seq']} was changed: its data is not as it was written"
    raise Deviates(line["seq"], what, "canonical JSON", repr(line["data"])[:200])


def _mark(line: Mapping[str, Any], data: Any) -> str:
    try:
        return hash_of(line["previous"], line["seq"], line["at"], data, dict(line))
    except (TypeError, ValueError) as error:
        what = f"line {line['seq']} was changed: it holds what no line can hold"
        raise Deviates(line["seq"], what, "text", str(error)) from error
