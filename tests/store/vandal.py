"""Somebody who can write to the database and to the files, but has not the key."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from musterwerk.store import Store
from musterwerk.store.audit import hash_of
from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.auditing.stories import seal_of
from musterwerk.store.checkpoints import Checkpoint, key_id

Row = dict[str, Any]
NULLABLE = ("request_id", "on_behalf_of")
WORDS = (
    "source",
    "event",
    "actor",
    "channel",
    "digest",
    "record",
    "previous",
    "hash",
    "at",
    "data",
)
#: A time as valid as the old one; an edit that a reader of the JSON would not see.
FORGERIES: dict[str, Callable[[str], str]] = {
    "at": lambda at: at.replace("2026", "2025"),
    "data": lambda data: data.replace(":", ": "),
}
#: Without its triggers, its keys and its constraints.
BARE = [
    "CREATE TABLE bare AS SELECT * FROM musterwerk_audit",
    "DROP TABLE musterwerk_audit",
    "ALTER TABLE bare RENAME TO musterwerk_audit",
]


class Vandal:
    """Does one thing at a time, at random, and can put everything back."""

    def __init__(self, store: Store, folder: AuditFolder, seed: int) -> None:
        self.store, self.folder = store, folder
        self.random = Random(seed)  # noqa: S311 - to be repeatable
        self._key = Ed25519PrivateKey.generate()
        self._file = folder.checkpoints_file.read_bytes()
        with store.begin() as connection:
            for statement in BARE:
                connection.execute(text(statement))
            rows = connection.execute(text("SELECT * FROM musterwerk_audit ORDER BY seq"))
            self.rows: list[Row] = [dict(row) for row in rows.mappings()]
        self.ways: list[Callable[[], str]] = [
            *[self.edits_a_column] * 8,
            self.deletes_rows,
            self.cuts_the_tail,
            self.swaps_rows,
            self.adds_a_row,
            self.moves_a_row,
            self.computes_the_chain_anew,
            self.signs_with_another_key,
            self.edits_the_file,
            self.deletes_checkpoints,
            self.cuts_the_file,
            self.swaps_checkpoints,
            self.replaces_a_signature,
            self.claims_that_one_is_being_made,
        ]

    def strike(self) -> str:
        """Change one thing; says what."""
        way = self.random.choice(self.ways)
        return f"{way.__name__}: {way()}"

    def mend(self) -> None:
        self._put(self.rows)
        self.folder.checkpoints_file.write_bytes(self._file)
        self.folder.new_file.unlink(missing_ok=True)

    def edits_a_column(self) -> str:
        row = self._any()
        name = self.random.choice([*WORDS, *FORGERIES, *NULLABLE])
        new = self._other(name, row[name])
        self._set(row["seq"], name, new)
        return f"{name} of {row['seq']}: {row[name]!r} -> {new!r}"

    def deletes_rows(self) -> str:
        first = self._any()["seq"]
        last = first + self.random.choice([0, 0, 1, 5])
        self._run("DELETE FROM musterwerk_audit WHERE seq BETWEEN :a AND :b", a=first, b=last)
        return f"{first} to {last}"

    def cuts_the_tail(self) -> str:
        first = self._any()["seq"]
        self._run("DELETE FROM musterwerk_audit WHERE seq >= :a", a=first)
        return f"from {first}"

    def swaps_rows(self) -> str:
        one, two = self.random.sample(self.rows, 2)
        changed = {one["seq"]: {**two, "seq": one["seq"]}, two["seq"]: {**one, "seq": two["seq"]}}
        self._put([changed.get(row["seq"], row) for row in self.rows])
        return f"{one['seq']} and {two['seq']}"

    def adds_a_row(self) -> str:
        last = self.rows[-1]
        new = self._any() | {"source": "forged", "seq": last["seq"] + 1, "previous": last["hash"]}
        new["seq"] = self.random.choice([new["seq"], 0, self._any()["seq"]])
        self._put([*self.rows, new])
        return str(new["seq"])

    def moves_a_row(self) -> str:
        seq = self._any()["seq"]
        new = self.rows[-1]["seq"] + self.random.randint(1, 9)
        self._run("UPDATE musterwerk_audit SET seq = :a WHERE seq = :b", a=new, b=seq)
        return f"{seq} to {new}"

    def computes_the_chain_anew(self) -> str:
        return self._forged_chain()[0]["source"]

    def signs_with_another_key(self) -> str:
        """All of it done again, consistently, from a changed row on."""
        changed, rows = self._forged_chain()
        before, lines = "", list[str]()
        for line in self._file.decode().splitlines():
            old = Checkpoint.read(line)
            new = Checkpoint(
                old.number,
                old.seq,
                rows[old.seq - 1]["hash"],
                old.at,
                before,
                self.random.choice([old.key_id, key_id(self._key.public_key())]),
            ).signed(self._key)
            before = new.mark
            lines.append(new.line)
        self._write(lines)
        return changed["source"]

    def edits_the_file(self) -> str:
        content = bytearray(self._file)
        place = self.random.randrange(len(content))
        old = content[place]
        content[place] = self.random.choice([n for n in b'0123456789abcdef"{}\n \xff' if n != old])
        self.folder.checkpoints_file.write_bytes(content)
        return f"byte {place} {old} -> {content[place]}"

    def deletes_checkpoints(self) -> str:
        lines = self._file.decode().splitlines()
        gone = self.random.sample(range(len(lines)), self.random.randint(1, len(lines)))
        self._write([line for number, line in enumerate(lines) if number not in gone])
        return str(sorted(gone))

    def cuts_the_file(self) -> str:
        length = self.random.randrange(len(self._file))
        self.folder.checkpoints_file.write_bytes(self._file[:length])
        return f"to {length} bytes"

    def swaps_checkpoints(self) -> str:
        lines = self._file.decode().splitlines()
        one, two = self.random.sample(range(len(lines)), 2)
        lines[one], lines[two] = lines[two], lines[one]
        self._write(lines)
        return f"{one} and {two}"

    def replaces_a_signature(self) -> str:
        lines = self._file.decode().splitlines()
        number = self.random.randrange(len(lines))
        lines[number] = Checkpoint.read(lines[number]).signed(self._key).line
        self._write(lines)
        return str(number)

    def claims_that_one_is_being_made(self) -> str:
        """To explain why notes, or lines of the file, are not there, and lines with them.

        Cutting only what no checkpoint covers would be a true trail, of an earlier day.
        """
        lines = self._file.decode().splitlines()
        number = self.random.randrange(len(lines))
        self.folder.new_file.write_text(lines[number] + "\n")
        self._write(lines[: self.random.randint(0, number)] if number else [])
        seq = Checkpoint.read(lines[number]).seq + self.random.randint(-3, 0)
        self._run("DELETE FROM musterwerk_audit WHERE seq >= :a", a=seq)
        return f"{number}, rows from {seq}"

    def _forged_chain(self) -> tuple[Row, list[Row]]:
        """One row that is changed, and everything after it made to fit, the records as well."""
        place = self.random.randrange(len(self.rows) - 1)
        rows = [dict(row) for row in self.rows]
        rows[place]["actor"] = "eve"
        before = "" if place == 0 else rows[place - 1]["hash"]
        records: dict[str, str] = {}
        for row in rows:
            data = json.loads(row["data"])
            name, _, number = row["source"].rpartition("/")
            if row["record"]:
                row["record"] = seal_of(records.get(name, ""), int(number), row, data)
                records[name] = row["record"]
        for row in rows[place:]:
            data = json.loads(row["data"])
            row["previous"] = before
            row["hash"] = before = hash_of(before, row["seq"], row["at"], data, row)
        self._put(rows)
        return rows[place], rows

    def _other(self, name: str, old: str | None) -> str | None:
        if old is None:
            return self.random.choice(["", "eve"])
        if name in FORGERIES and self.random.random() < 0.5:
            forged = FORGERIES[name](old)
            if forged != old:
                return forged
        place = self.random.randrange(len(old)) if old else 0
        choices = [
            None,
            old + " ",
            old[:place] + "7" + old[place + 1 :],
            old.swapcase(),
            "",
            old[:place],
        ]
        return self.random.choice([one for one in choices if one != old])

    def _any(self) -> Row:
        return self.random.choice(self.rows)

    def _set(self, seq: int, name: str, value: str | None) -> None:
        self._run(f"UPDATE musterwerk_audit SET {name} = :value WHERE seq = {seq}", value=value)  # noqa: S608

    def _write(self, lines: list[str]) -> None:
        self.folder.checkpoints_file.write_text("".join(line + "\n" for line in lines))

    def _put(self, rows: list[Row]) -> None:
        names = list(self.rows[0])
        with self.store.begin() as connection:
            connection.execute(text("DELETE FROM musterwerk_audit"))
            connection.execute(
                text(
                    f"INSERT INTO musterwerk_audit ({', '.join(names)}) "  # noqa: S608
                    f"VALUES ({', '.join(':' + name for name in names)})"
                ),
                rows,
            )

    def _run(self, statement: str, **values: object) -> None:
        with self.store.begin() as connection:
            connection.execute(text(statement), values)
