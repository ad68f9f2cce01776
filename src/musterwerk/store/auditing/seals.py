"""The checkpoints among themselves, and against the trail as it goes by. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from musterwerk.store.audit_folder import VARIABLE, SealFiles
from musterwerk.store.audit_tables import iso
from musterwerk.store.auditing.verdict import Deviates, Deviation
from musterwerk.store.checkpoints import EVENT, NOTE, Checkpoint, key_id


@dataclass(frozen=True)
class Checked:
    """Those that hold among themselves, up to the first that does not. `new` may lack its note.

    `missing` is the file they should be in, if it is not there.
    """

    good: tuple[Checkpoint, ...]
    flaw: Deviation | None = None
    new: int | None = None
    missing: Path | None = None


def check(files: SealFiles, key: Ed25519PublicKey | None) -> Checked:
    good: list[Checkpoint] = []
    try:
        for line in files.lines:
            good.append(_follows(good, line, key))
    except Deviates as found:
        return Checked(tuple(good), found.deviation)
    new = good[-1].number if files.new and good else None
    return Checked(tuple(good), new=new, missing=files.missing)


def _follows(before: Sequence[Checkpoint], line: str, key: Ed25519PublicKey | None) -> Checkpoint:
    number, last = len(before) + 1, before[-1] if before else None
    # Whatever such a line says, it is about lines after the last good one.
    seq = 1 if last is None else last.seq + 1
    name = f"checkpoint {number} in the file"
    try:
        read = Checkpoint.read(line)
    except ValueError as error:
        raise Deviates(seq, f"{name} was changed: {error}") from error
    if read.number != number:
        what = f"{name} is another one: one was deleted, added or moved"
        raise Deviates(seq, what, f"number {number}", f"number {read.number}")
    if key is None:
        raise Deviates(seq, f"{name} cannot be verified: the public key is missing")
    if read.key_id != key_id(key):
        raise Deviates(seq, f"{name} is signed by another key", key_id(key), read.key_id)
    if not read.is_signed_by(key):
        raise Deviates(seq, f"{name} has a wrong signature: it was changed, or is forged")
    mark = "" if last is None else last.mark
    if read.previous != mark:
        raise Deviates(seq, f"{name} does not follow on the one before", mark, read.previous)
    if read.seq < seq:
        what = f"{name} covers nothing new"
        raise Deviates(seq, what, f"a line from {seq} on", f"line {read.seq}")
    return read


class Seals:
    """Told of each line in order, it compares what a checkpoint or its note says of it."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self.passed = 0
        self._noted = 0

    @property
    def sealed_up_to(self) -> int:
        return self._checked.good[self.passed - 1].seq if self.passed else 0

    def see(self, line: Mapping[str, Any], data: Any) -> bool:
        """Whether the line is the note of a checkpoint. Raises `Deviates`."""
        is_note = line["event"] == EVENT or str(line["source"]).startswith(NOTE)
        if is_note:
            self._note(line, data)
        if self.passed < len(self._checked.good):
            due = self._checked.good[self.passed]
            if due.seq == line["seq"]:
                self._compare(due, line)
                self.passed += 1
        return is_note

    def end(self, seq: int) -> None:
        """The trail ended with this line. Raises `Deviates`."""
        if self.passed < len(self._checked.good):
            due = self._checked.good[self.passed]
            raise Deviates(
                seq + 1,
                "the trail was cut off at its end",
                f"at least {due.seq} lines, as checkpoint {due.number} signed",
                f"{seq} lines",
            )
        self._fail_for_the_file()
        due = self._noted + 1
        if due <= len(self._checked.good) and due != self._checked.new:
            raise Deviates(
                seq + 1,
                f"checkpoint {due} is not noted in the trail: its note was deleted, with all after "
                "it",
            )

    def _fail_for_the_file(self) -> None:
        if (flaw := self._checked.flaw) is not None:
            raise Deviates(flaw.seq, flaw.what, flaw.expected, flaw.found)

    def _compare(self, due: Checkpoint, line: Mapping[str, Any]) -> None:
        if due.hash != line["hash"]:
            first = self.sealed_up_to + 1
            raise Deviates(
                first,
                f"between line {first} and line {due.seq} something was changed and all hashes "
                f"computed anew: line {due.seq} is not what checkpoint {due.number} signed",
                due.hash,
                line["hash"],
            )

    @property
    def _gone(self) -> str:
        if (file := self._checked.missing) is None:
            return "is not in the file: it was deleted there"
        return (
            f"there is no checkpoint file {file}: was the folder left behind, or is it another "
            f"one ({VARIABLE})"
        )

    def _note(self, line: Mapping[str, Any], data: Any) -> None:
        number = self._noted + 1
        if number > len(self._checked.good):
            self._fail_for_the_file()
            raise Deviates(
                line["seq"], f"checkpoint {number} is noted in the trail, but {self._gone}"
            )
        due = self._checked.good[number - 1]
        note = due.note()
        wanted = vars(note) | {"at": iso(note.at), "data": note.data}
        found = {name: line[name] for name in wanted} | {"data": data}
        wrong = [name for name in wanted if wanted[name] != found[name]]
        if wrong or number > self.passed:
            raise Deviates(
                line["seq"],
                f"line {line['seq']} is not the note of checkpoint {number} that belongs here",
                {name: wanted[name] for name in wrong} if wrong else f"line {due.seq} first",
                {name: found[name] for name in wrong} if wrong else "",
            )
        self._noted = number
