"""Checkpoints: made in time, once, and finished by the next one after a crash at any place."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from musterwerk.errors import AuditError
from musterwerk.store import Store
from musterwerk.store.audit import AuditTrail
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.auditing import verify
from musterwerk.store.checkpoints import Checkpoint, Checkpointer
from tests.databases import Database
from tests.store.trails import MINUTE, START, open_store, other, put


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    opened = open_store(database)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> AuditFolder:
    return AuditFolder.from_environment(tmp_path, {"MUSTERWERK_AUDIT_DIR": str(tmp_path / "seals")})


def test_a_checkpoint_covers_all_lines_and_is_noted(store: Store, folder: AuditFolder) -> None:
    put(store, other("a"), other("b"))
    made = Checkpointer(store, folder).make(START)
    assert made is not None
    assert (made.number, made.seq, made.previous) == (1, 2, "")
    note = AuditTrail(store).lines()[-1]
    assert (note.seq, note.event, note.digest) == (3, "checkpoint", made.mark)
    assert Checkpoint.read(folder.checkpoints_file.read_text().rstrip("\n")) == made
    verdict = verify(store, folder)
    assert (verdict.ok, verdict.lines, verdict.sealed_up_to, verdict.unsealed) == (True, 3, 2, 0)
    put(store, other("c"))
    verdict = verify(store, folder)
    assert (verdict.ok, verdict.sealed_up_to, verdict.unsealed) == (True, 2, 1)


def test_nothing_new_needs_no_checkpoint(store: Store, folder: AuditFolder) -> None:
    checkpointer = Checkpointer(store, folder)
    assert checkpointer.make(START) is None
    assert checkpointer.maybe(START) is None
    put(store, other("a"))
    assert checkpointer.make(START) is not None
    assert checkpointer.make(START) is None


def test_one_is_made_when_there_are_enough_lines_or_after_a_while(
    store: Store, folder: AuditFolder
) -> None:
    checkpointer = Checkpointer(store, folder, every_lines=3, every=10 * MINUTE)
    put(store, other("a"))
    assert checkpointer.maybe(START) is not None
    assert checkpointer.maybe(START + 11 * MINUTE) is None
    put(store, other("b"), other("c"))
    assert checkpointer.maybe(START + 9 * MINUTE) is None
    assert checkpointer.maybe(START + 10 * MINUTE) is not None
    put(store, other("d"), other("e"), other("f"))
    assert checkpointer.maybe(START + 10 * MINUTE) is not None
    assert verify(store, folder).checkpoints == 3


def test_the_private_key_is_its_owners_alone_and_stays_the_same(
    store: Store, folder: AuditFolder
) -> None:
    put(store, other("a"))
    Checkpointer(store, folder).make(START)
    assert stat.S_IMODE(folder.key_file.stat().st_mode) == 0o600
    key = folder.key_file.read_bytes()
    put(store, other("b"))
    Checkpointer(store, folder).make(START)
    assert folder.key_file.read_bytes() == key
    folder.key_file.unlink()
    put(store, other("c"))
    with pytest.raises(AuditError, match=r"key\.pem is gone"):
        Checkpointer(store, folder).make(START)


class Crash(BaseException):
    pass


PLACES = ["announce", "append", "torn", "commit", "done"]


@pytest.mark.parametrize("place", PLACES)
def test_a_crash_at_any_place_is_no_alarm_and_the_next_one_finishes(
    store: Store, folder: AuditFolder, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpointer = Checkpointer(store, folder)
    put(store, other("a"))
    checkpointer.make(START)
    put(store, other("b"))

    def crash(*_: object) -> None:
        raise Crash

    def torn(_: object, line: str) -> None:
        with folder.checkpoints_file.open("a") as file:
            file.write(line[:40])
        raise Crash

    with monkeypatch.context() as patch:
        if place == "commit":
            patch.setattr("musterwerk.store.checkpoints.append", crash)
        elif place == "torn":
            patch.setattr(AuditFolder, "append", torn)
        else:
            patch.setattr(AuditFolder, place, crash)
        with pytest.raises(Crash):
            checkpointer.make(START + MINUTE)
    assert verify(store, folder).deviation is None

    put(store, other("c"))
    verdict = verify(store, folder)
    assert (verdict.deviation, verdict.checkpoints) == (None, 1 if place == "announce" else 2)
    assert checkpointer.maybe(START + MINUTE * 30) is not None
    verdict = verify(store, folder)
    assert (verdict.deviation, verdict.unsealed) == (None, 0)
    assert folder.announced() is None


def test_a_forged_one_under_way_is_not_finished(store: Store, folder: AuditFolder) -> None:
    put(store, other("a"))
    made = Checkpointer(store, folder).make(START)
    assert made is not None
    folder.new_file.write_text(replace(made, number=2, previous=made.mark).line + "\n")
    with pytest.raises(AuditError, match="forged"):
        Checkpointer(store, folder).maybe(START)
    assert not verify(store, folder).ok
    folder.new_file.unlink()
    put(store, other("b"))
    Checkpointer(store, folder).make(START)
    folder.new_file.write_text(made.line + "\n")
    with pytest.raises(AuditError, match="forged"):
        Checkpointer(store, folder).maybe(START)
    folder.new_file.unlink()
    assert verify(store, folder).ok


def test_a_folder_that_is_not_the_trails_is_refused(
    store: Store, folder: AuditFolder, tmp_path: Path
) -> None:
    put(store, other("a"))
    Checkpointer(store, folder).make(START)
    with pytest.raises(AuditError, match="MUSTERWERK_AUDIT_DIR"):
        Checkpointer(store, AuditFolder(tmp_path / "elsewhere")).make(START)
    other_key = AuditFolder(tmp_path / "other")
    other_key.path.mkdir()
    other_key.signing_key()
    other_key.checkpoints_file.write_bytes(folder.checkpoints_file.read_bytes())
    put(store, other("b"))
    with pytest.raises(AuditError, match="signed so far"):
        Checkpointer(store, other_key).make(START)


def test_checkpoints_and_verifications_side_by_side_raise_no_alarm(
    store: Store, folder: AuditFolder
) -> None:
    put(store, other("0"))
    found: list[object] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            found.append(verify(store, folder).deviation)

    looking = threading.Thread(target=look)
    looking.start()

    def work(name: str) -> None:
        checkpointer = Checkpointer(store, folder, every=timedelta(0))
        for number in range(8):
            put(store, other(f"{name}/{number}"))
            checkpointer.maybe(START)

    working = [threading.Thread(target=work, args=[name]) for name in ("a", "b")]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    ended.set()
    looking.join()
    assert found
    assert set(found) == {None}
    assert verify(store, folder).ok
