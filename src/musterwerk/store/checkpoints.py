"""Signed checkpoints: whoever changes the trail afterwards needs the key as well.

A checkpoint covers all lines before it, and is noted in the trail as the next line, so that one
taken from the file is missed. The order of the writes: `checkpoints.new` says what comes, then it
is appended to the file, then noted in the trail, then `checkpoints.new` goes. Each is on disk
before the next, so a crash leaves `checkpoints.new` there, and whoever is next finishes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, select

from musterwerk.canonical import canonical
from musterwerk.errors import AuditError
from musterwerk.store.audit import AuditLine, append, head_of, lock
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.audit_tables import audit, iso
from musterwerk.store.database import Store

EVENT = "checkpoint"
NOTE = "checkpoint/"
_TYPES = {"number": int, "seq": int}


@dataclass(frozen=True)
class Checkpoint:
    """`hash` is that of the line `seq`; `previous` is the mark of the checkpoint before."""

    number: int
    seq: int
    hash: str
    at: str
    previous: str
    key_id: str
    signature: str = ""

    @classmethod
    def read(cls, line: str) -> Checkpoint:
        """Raises ValueError for what is not exactly a line as `line` spells it."""
        try:
            read = cls(**json.loads(line))
        except (TypeError, RecursionError) as error:
            raise ValueError(f"this is no checkpoint: {line[:200]}") from error
        wrong = [n for n, v in asdict(read).items() if type(v) is not _TYPES.get(n, str)]
        if wrong or read.line != line:
            raise ValueError(f"this is not as a checkpoint is written: {line[:200]}")
        return read

    @property
    def line(self) -> str:
        return canonical(asdict(self)).decode("ascii")

    @property
    def mark(self) -> str:
        """The SHA-256 of its line."""
        return hashlib.sha256(self.line.encode("ascii")).hexdigest()

    def signed(self, key: Ed25519PrivateKey) -> Checkpoint:
        return replace(self, signature=key.sign(self._content()).hex())

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        try:
            key.verify(bytes.fromhex(self.signature), self._content())
        except (InvalidSignature, ValueError):
            return False
        return True

    def note(self) -> AuditLine:
        """Its line in the trail."""
        return AuditLine(
            source=f"{NOTE}{self.number}",
            at=datetime.fromisoformat(self.at),
            request_id=None,
            event=EVENT,
            actor="musterwerk",
            channel="audit",
            digest=self.mark,
            data={"number": self.number},
        )

    def _content(self) -> bytes:
        content: dict[str, Any] = asdict(self)
        del content["signature"]
        return canonical(content)


def key_id(key: Ed25519PublicKey) -> str:
    """Short enough to be read out on the telephone."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


class Checkpointer:
    """Makes checkpoints. Several processes may, if they share the folder."""

    def __init__(
        self,
        store: Store,
        folder: AuditFolder,
        *,
        every_lines: int = 1000,
        every: timedelta = timedelta(minutes=15),
    ) -> None:
        self.store = store
        self.folder = folder
        self._every_lines = every_lines
        self._every = every

    def maybe(self, now: datetime) -> Checkpoint | None:
        """Make one if enough lines or enough time have gone by since the last; blocks."""
        with self.folder.quiet():
            due = self.folder.announced() is not None or self._due(now)
        return self.make(now) if due else None

    def make(self, now: datetime) -> Checkpoint | None:
        """Make one; None where the last one covers everything.

        Raises `AuditError` where the trail and the files are not of each other.
        """
        with self.folder.locked():
            key = self.folder.signing_key()
            self._finish(key.public_key())
            with self.store.begin() as connection:
                lock(connection)
                checkpoint = self._next(connection, now, key_id(key.public_key()))
                if checkpoint is None:
                    return None
                made = checkpoint.signed(key)
                self._write(connection, made)
            self.folder.done()
            return made

    def _due(self, now: datetime) -> bool:
        with self.store.read() as connection:
            head = head_of(connection)
        last = self._last()
        if last is None:
            return head.seq > 0
        # One of them is its note.
        more = head.seq - last.seq - 1
        old = now - datetime.fromisoformat(last.at) >= self._every
        return more >= self._every_lines or (more > 0 and old)

    def _last(self) -> Checkpoint | None:
        line = self.folder.last()
        try:
            return None if line is None else Checkpoint.read(line)
        except ValueError as error:
            raise AuditError(f"{self.folder.checkpoints_file}: {error}") from error

    def _finish(self, key: Ed25519PublicKey) -> None:
        """What a crash left half done."""
        line = self.folder.announced()
        if line is None:
            return
        *before, _ = self.folder.read().lines
        try:
            begun = Checkpoint.read(line)
            due = Checkpoint.read(before[-1]).number + 1 if before else 1
        except ValueError as error:
            raise AuditError(f"{self.folder.new_file}: {error}") from error
        if begun.number != due or not begun.is_signed_by(key):
            raise AuditError(f"{self.folder.new_file} is not the next checkpoint: it is forged")
        self.folder.append(begun.line)
        with self.store.begin() as connection:
            append(connection, [begun.note()])
        self.folder.done()

    def _next(self, connection: Connection, now: datetime, signer: str) -> Checkpoint | None:
        head, last = head_of(connection), self._last()
        number = 1 if last is None else last.number + 1
        if last is not None:
            if last.key_id != signer:
                raise AuditError(
                    f"{self.folder.key_file} is the key {signer}, but {last.key_id} signed so far"
                )
            if _hash_at(connection, last.seq) != last.hash:
                raise AuditError(
                    f"line {last.seq} of the trail is not what checkpoint {last.number} signed: "
                    "`musterwerk audit verify` says more"
                )
        if _noted(connection, number) is not None:
            raise AuditError(
                f"the trail knows a checkpoint {number} that {self.folder.checkpoints_file} has "
                "not: all checkpoints of a database belong into one folder "
                "(MUSTERWERK_AUDIT_DIR)"
            )
        # A note alone needs no checkpoint. After a crash it may come after lines that do.
        covered = 0 if last is None else last.seq + 1
        if head.seq == covered:
            return None
        before = "" if last is None else last.mark
        return Checkpoint(number, head.seq, head.hash, iso(now), before, signer)

    def _write(self, connection: Connection, made: Checkpoint) -> None:
        self.folder.announce(made.line)
        self.folder.append(made.line)
        append(connection, [made.note()])


def _hash_at(connection: Connection, seq: int) -> str | None:
    return connection.execute(select(audit.c.hash).where(audit.c.seq == seq)).scalar_one_or_none()


def _noted(connection: Connection, number: int) -> int | None:
    query = select(audit.c.seq).where(audit.c.source == f"{NOTE}{number}")
    return connection.execute(query).scalar_one_or_none()
