"""The files beside the audit trail: the key, the signed checkpoints, and a lock.

key.pem             signs; made at the first use, for its owner's eyes only
key.pub.pem         verifies
checkpoints.jsonl   one signed checkpoint a line, only ever appended to
checkpoints.new     the one that is being made; after a crash it says what was under way
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from musterwerk.errors import AuditError, UsageError

VARIABLE = "MUSTERWERK_AUDIT_DIR"
#: Longer than any line of the file.
_TAIL = 65_536


@dataclass(frozen=True)
class SealFiles:
    """The checkpoints' lines as they are in the files, `new` the one that is being made.

    `missing` is the file of checkpoints where there is none.
    """

    lines: tuple[str, ...] = ()
    new: str | None = None
    missing: Path | None = None


class AuditFolder:
    """One for a database, and the same one for every process that makes checkpoints of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key_file = path / "key.pem"
        self.public_key_file = path / "key.pub.pem"
        self.checkpoints_file = path / "checkpoints.jsonl"
        self.new_file = path / "checkpoints.new"

    @classmethod
    def from_environment(cls, data: Path, environ: Mapping[str, str] = os.environ) -> AuditFolder:
        given = environ.get(VARIABLE, "").strip()
        return cls(Path(given) if given else data / "audit")

    @contextmanager
    def locked(self) -> Generator[None]:
        """Alone: one checkpoint at a time."""
        with _explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / "lock").open("a")
        with lock, _explained(self.path):
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def quiet(self) -> Generator[None]:
        """No checkpoint is being made meanwhile. A copy that never had a lock needs none."""
        try:
            lock = (self.path / "lock").open()
        except FileNotFoundError:
            yield
            return
        with lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def signing_key(self) -> Ed25519PrivateKey:
        """Made at the first use, within `locked`; never a second one."""
        with _explained(self.key_file):
            if not self.key_file.exists():
                if self.public_key_file.exists() or self.checkpoints_file.exists():
                    raise AuditError(
                        f"{self.key_file} is gone, and what it signed is still there: "
                        "bring it back from the backup; another key would not match"
                    )
                self._make_key()
            pem = self.key_file.read_bytes()
        try:
            key = serialization.load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise UsageError(f"{self.key_file} cannot be read as a key: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise UsageError(f"{self.key_file} is no Ed25519 key")
        if not self.public_key_file.exists():
            _write(self.public_key_file, public_pem(key.public_key()), 0o644)
        return key

    def public_key(self) -> Ed25519PublicKey | None:
        """None where there is none yet."""
        if self.public_key_file.exists():
            return load_public_key(self.public_key_file)
        return None

    def last(self) -> str | None:
        """The newest checkpoint's line."""
        lines = _tail(self.checkpoints_file).decode("ascii", "replace").splitlines()
        return lines[-1] if lines else None

    def read(self) -> SealFiles:
        """All of them. A line torn by a crash is left out, as it is in `new` as a whole."""
        with _explained(self.path):
            new = self.new_file.read_bytes() if self.new_file.exists() else None
            all_of_it = (
                self.checkpoints_file.read_bytes() if self.checkpoints_file.exists() else b""
            )
        lines = [line.decode("ascii", "backslashreplace") for line in all_of_it.split(b"\n")]
        torn = lines.pop()
        whole = None if new is None else new.decode("ascii", "backslashreplace").rstrip("\n")
        if torn and not (whole and whole.startswith(torn)):
            lines.append(torn + " (torn)")
        if whole and (not lines or lines[-1] != whole):
            lines.append(whole)
        missing = None if self.checkpoints_file.exists() else self.checkpoints_file
        return SealFiles(tuple(lines), whole, missing)

    def announce(self, line: str) -> None:
        """Say what is about to be appended and noted."""
        _write(self.new_file, line.encode() + b"\n", 0o644)

    def announced(self) -> str | None:
        """What an unfinished one, or one under way, has said."""
        if not self.new_file.exists():
            return None
        return self.new_file.read_bytes().decode("ascii", "replace").rstrip("\n")

    def append(self, line: str) -> None:
        """Add the announced line, on disk when this returns. Again without harm."""
        with self.checkpoints_file.open("ab+") as file:
            tail = _tail(self.checkpoints_file)
            torn = len(tail) - (tail.rfind(b"\n") + 1)
            if torn:
                if not line.encode().startswith(tail[-torn:]):
                    raise AuditError(f"the last line of {self.checkpoints_file} is incomplete")
                file.truncate(file.seek(0, os.SEEK_END) - torn)
            if self.last() != line:
                file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync_names(self.path)

    def done(self) -> None:
        self.new_file.unlink()
        _sync_names(self.path)

    def _make_key(self) -> None:
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(self.key_file, pem, 0o600)


def load_public_key(file: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as a public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{file} is no Ed25519 key")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _tail(file: Path) -> bytes:
    if not file.exists():
        return b""
    with file.open("rb") as opened:
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - _TAIL))
        return opened.read()


def _write(file: Path, content: bytes, mode: int) -> None:
    """All of it or nothing, and on disk: written beside, then renamed."""
    draft = file.with_name(file.name + ".draft")
    draft.unlink(missing_ok=True)
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(opened, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    _sync_names(file.parent)


def _sync_names(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _explained(what: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise AuditError(f"{error.filename or what} cannot be used: {error.strerror}") from error
