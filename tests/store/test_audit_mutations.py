"""1,000 random edits, deletions, truncations and forgeries: each one is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from musterwerk.store import Store
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.auditing import Deviation, verify
from musterwerk.store.auditing.chain import AuditVerifier
from musterwerk.store.auditing.seals import check
from musterwerk.store.auditing.verdict import Deviates
from tests.databases import Database
from tests.store.trails import REQUESTS, open_store, retained, sealed_trail
from tests.store.vandal import Vandal


@contextmanager
def trail(database: Database, folder: AuditFolder) -> Generator[Store]:
    with closing(open_store(database)) as store:
        sealed_trail(store, folder)
        yield store


@pytest.fixture(autouse=True)
def many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("musterwerk.store.auditing.reading._PAGE", 50)


def every_mutation_is_found(store: Store, folder: AuditFolder, rounds: int) -> None:
    vandal = Vandal(store, folder, seed=14)
    before = verify(store, folder)
    assert (before.ok, before.lines, before.unsealed, before.checkpoints) == (True, 184, 0, 4)
    missed, ways = list[str](), Counter[str]()
    for _ in range(rounds):
        what = vandal.strike()
        ways[what.partition(":")[0]] += 1
        found = verify(store, folder).deviation
        if found is None or not found.what or found.seq < 1:
            missed.append(what)
        vandal.mend()
    assert missed == []
    assert len(ways) == len({way.__name__ for way in vandal.ways})
    assert verify(store, folder) == before


def test_a_thousand_mutations_are_found_on_sqlite(sqlite: Database, tmp_path: Path) -> None:
    with trail(sqlite, folder := AuditFolder(tmp_path / "audit")) as store:
        every_mutation_is_found(store, folder, 1000)


def test_mutations_are_found_on_postgresql(postgres: Database, tmp_path: Path) -> None:
    with trail(postgres, folder := AuditFolder(tmp_path / "audit")) as store:
        every_mutation_is_found(store, folder, 150)


def test_the_first_deviation_is_named(sqlite: Database, tmp_path: Path) -> None:
    with trail(sqlite, folder := AuditFolder(tmp_path / "audit")) as store:
        vandal = Vandal(store, folder, seed=1)

        def found(statement: str) -> Deviation:
            with store.begin() as connection:
                connection.execute(text(statement))
            deviation = verify(store, folder).deviation
            vandal.mend()
            assert deviation is not None
            return deviation

        edited = found("UPDATE musterwerk_audit SET actor = 'eve' WHERE seq IN (90, 120)")
        assert (edited.seq, "line 90 was changed" in edited.what) == (90, True)
        gone = found("DELETE FROM musterwerk_audit WHERE seq BETWEEN 50 AND 52")
        assert (gone.seq, "lines 50 to 52 are missing" in gone.what) == (50, True)
        cut = found("DELETE FROM musterwerk_audit WHERE seq > 150")
        assert (cut.seq, "cut off" in cut.what, cut.found) == (151, True, "150 lines")
        folder.checkpoints_file.write_bytes(b"")
        emptied = found("SELECT 1")
        assert (emptied.seq, "not in the file" in emptied.what) == (46, True)


@pytest.mark.parametrize("value", [None, 7, 1.5, b"\xff", "", "{", "\ud800", "[" * 5000])
def test_whatever_a_column_holds_the_verifier_says_where(
    sqlite: Database, tmp_path: Path, value: Any
) -> None:
    with trail(sqlite, folder := AuditFolder(tmp_path / "audit")) as store:
        rows = Vandal(store, folder, seed=1).rows
        checked = check(folder.read(), folder.public_key())
    for place in (0, 45, 100, len(rows) - 1):
        for name in set(rows[0]) - {"seq"}:
            if rows[place][name] == value:
                continue
            verifier = AuditVerifier(checked)
            for row in rows[:place]:
                verifier.see(row)
            with pytest.raises(Deviates) as found:
                verifier.see(rows[place] | {name: value})
            assert found.value.deviation.seq == place + 1


def test_another_public_key_in_the_folder_does_not_help(sqlite: Database, tmp_path: Path) -> None:
    """Whoever exchanges all, the key as well, is found by an auditor who has kept the key."""
    with trail(sqlite, folder := AuditFolder(tmp_path / "audit")) as store:
        kept = tmp_path / "kept.pem"
        kept.write_bytes(folder.public_key_file.read_bytes())
        forger = AuditFolder(tmp_path / "forger")
        forger.path.mkdir()
        forger.signing_key()
        folder.public_key_file.write_bytes(forger.public_key_file.read_bytes())
        assert not verify(store, folder).ok
        assert verify(store, folder, public_key=kept).ok


def test_a_key_without_anything_that_it_signed_is_a_deviation(
    sqlite: Database, tmp_path: Path
) -> None:
    """All emptied: whoever has kept the key knows that there was something."""
    with trail(sqlite, folder := AuditFolder(tmp_path / "audit")) as store:
        kept = tmp_path / "kept.pem"
        kept.write_bytes(folder.public_key_file.read_bytes())
        Vandal(store, folder, seed=1)
        with store.begin() as connection:
            connection.execute(text("DELETE FROM musterwerk_audit"))
        empty = AuditFolder(tmp_path / "empty")
        found = verify(store, empty, public_key=kept)
        assert found.deviation is not None
        assert "no checkpoint at all" in found.deviation.what


def test_a_trail_set_back_together_with_its_checkpoints_is_found_by_temporal_alone(
    sqlite: Database, tmp_path: Path
) -> None:
    """The limit that the page for auditors names: it is a true trail, of an earlier day."""
    with trail(sqlite, folder := AuditFolder(tmp_path / "audit")) as store:
        lines = folder.checkpoints_file.read_text().splitlines(keepends=True)
        Vandal(store, folder, seed=1)
        with store.begin() as connection:
            connection.execute(text("DELETE FROM musterwerk_audit WHERE seq > 46"))
        folder.checkpoints_file.write_text(lines[0])
        verdict = verify(store, folder)
        assert (verdict.ok, verdict.lines, verdict.unsealed) == (True, 46, 0)
        known = [retained(number) for number in range(REQUESTS)]
        found = verify(store, folder, executions=lambda: known).deviation
        assert found is not None
        assert "Temporal" in found.what
