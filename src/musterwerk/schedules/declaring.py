"""Schedules as somebody wrote them: in a TOML file, or in Python as `module:name`.

Every mistake of a file is told at once, with file, schedule and field.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from musterwerk.documents import near, read_toml
from musterwerk.errors import UsageError
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.importing import imported
from musterwerk.schedules.mistakes import ScheduleMistake, told
from musterwerk.schedules.model import NESTED, OURS_ALONE, Schedule, When

_WHEN = frozenset(When.model_fields)
#: As in TOML: the fields of `When` beside the others.
_FIELDS = (frozenset(Schedule.model_fields) | _WHEN) - {"when"}
_TABLES = ("schedule", "set")
_BESIDE = "cron, every and the like stand beside the other fields"
#: Temporal's bound is 2 MiB for all that a schedule carries.
_MOST_BYTES = 2_000_000
_LONGEST_SET = 80


@dataclass(frozen=True)
class Declaration:
    """`set_name` tells schedules of this file from those of others on the same server."""

    source: str
    set_name: str
    schedules: tuple[Schedule, ...]


def read_declaration(where: str, set_name: str | None = None) -> Declaration:
    """From FILE.toml or module:name. Raises `UsageError` with every mistake.

    The set is the given one, or the file's `set`, or else the file's or the Python object's name.
    """
    found = _read(where)
    if set_name is None:
        return found
    _check_set(set_name, "--set")
    return replace(found, set_name=set_name)


def in_code(schedules: Iterable[Schedule], set_name: str) -> Declaration:
    """Of schedules that are there already. Raises `UsageError` with every mistake."""
    _check_set(set_name, "set_name")
    found = tuple(schedules)
    if flaws := _flaws(found):
        raise UsageError("\n".join(flaws))
    return Declaration(set_name, set_name, found)


def _read(where: str) -> Declaration:
    path = Path(where)
    if path.suffix == ".toml" or path.exists():
        return _from_file(path)
    if ":" not in where:
        raise UsageError(f"{where}: a TOML file or module:name is expected")
    return _from_python(where)


def _from_file(path: Path) -> Declaration:
    document = read_toml(path)
    flaws = [
        f"{name}: no such table; [[schedule]] is expected{near(name, _TABLES)}"
        for name in sorted(set(document) - set(_TABLES))
    ]
    set_name = document.get("set", _as_set(path.stem))
    try:
        _check_set(set_name, "set")
    except UsageError as error:
        flaws.append(str(error))
    found: list[Schedule] = []
    for number, table in enumerate(_tables(document, flaws), 1):
        if isinstance(table, dict) and "when" in table:
            flaws.append(f"{_named(table, number)}: when: no such field; {_BESIDE}")
        try:
            found.append(_one(table))
        except ValidationError as error:
            known = {**NESTED, "": _FIELDS}
            flaws += [f"{_named(table, number)}: {line}" for line in told(error, known)]
    flaws += _flaws(found)
    if flaws:
        raise UsageError("\n".join(f"{path}: {flaw}" for flaw in flaws))
    return Declaration(str(path), set_name, tuple(found))


def _tables(document: Mapping[str, Any], flaws: list[str]) -> list[Any]:
    tables = document.get("schedule", [])
    if isinstance(tables, list) and tables:
        return cast("list[Any]", tables)
    if isinstance(tables, dict):
        flaws.append("[schedule] is one table; write [[schedule]] over each")
    elif not flaws:
        flaws.append("there is no schedule in it; [[schedule]] is expected")
    return []


def _as_set(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:_LONGEST_SET]


def _check_set(name: Any, place: str) -> None:
    if not isinstance(name, str) or not re.fullmatch(rf"[A-Za-z0-9._-]{{1,{_LONGEST_SET}}}", name):
        raise UsageError(
            f"{place}: {name!r} is no name of a set; letters, digits, . _ and - are expected, "
            f"{_LONGEST_SET} at most"
        )


def _from_python(where: str) -> Declaration:
    schedules = imported(where)
    if flaws := _flaws(schedules):
        raise UsageError("\n".join(f"{where}: {flaw}" for flaw in flaws))
    return Declaration(where, _as_set(where.replace(":", ".", 1)), schedules)


def _one(table: Any) -> Schedule:
    """The fields of `When` and of `Schedule` stand side by side in TOML."""
    if not isinstance(table, dict):
        return Schedule.model_validate(table)
    given = cast("Mapping[str, Any]", table)
    when = {name: value for name, value in given.items() if name in _WHEN}
    rest = {name: value for name, value in given.items() if name not in _WHEN}
    return Schedule.model_validate({**rest, "when": when})


def _flaws(found: Iterable[Schedule]) -> list[str]:
    schedules, now = list(found), datetime.now(UTC)
    flaws: list[str] = []
    for one in schedules:
        try:
            compile_when(one.when, now)
        except ScheduleMistake as mistake:
            flaws.append(f"schedule {one.name!r}: {mistake}")
        flaws += _too_large(one)
    flaws += [
        f"schedule {one.name!r}: {field}: only Musterwerk's own begin with {OURS_ALONE!r}"
        for one in schedules
        for field, name in (("name", one.name), ("renamed_from", one.renamed_from))
        if name is not None and name.startswith(OURS_ALONE)
    ]
    counted = Counter(one.name for one in schedules)
    flaws += [
        f"schedule {name!r}: name: there are {count} of this name; each needs its own"
        for name, count in counted.items()
        if count > 1
    ]
    return [*flaws, *_renames(schedules, set(counted))]


def _too_large(one: Schedule) -> Iterator[str]:
    """Arguments and memo are sent twice: once more within the declaration."""
    sizes = {name: _size(getattr(one, name)) for name in ("args", "memo", "note")}
    total = _size(one.as_json()) + sizes["args"] + sizes["memo"]
    if total > _MOST_BYTES:
        name = max(sizes, key=sizes.__getitem__)
        yield (
            f"schedule {one.name!r}: {name}: {sizes[name] / 1e6:.1f} MB, and with what is kept "
            f"for comparison {total / 1e6:.1f} MB; Temporal takes {_MOST_BYTES / 1e6:.0f} MB in "
            "all: hand over where the data is, not the data"
        )


def _size(value: Any) -> int:
    """As Temporal's converter encodes it."""
    return len(json.dumps(value, separators=(",", ":")))


def _renames(schedules: Iterable[Schedule], names: set[str]) -> list[str]:
    """The old one is deleted: nobody else may want it."""
    flaws: list[str] = []
    taken: set[str] = set()
    for one in schedules:
        old = one.renamed_from
        if old is None:
            continue
        place = f"schedule {one.name!r}: renamed_from: {old!r}"
        if old in names:
            flaws.append(f"{place} is still declared here; take one of both out")
        elif old in taken:
            flaws.append(f"{place} is already what another one was")
        taken.add(old)
    return flaws


def _named(table: Any, number: int) -> str:
    name = cast("Mapping[str, Any]", table).get("name") if isinstance(table, dict) else None
    return f"schedule {name[:100]!r}" if isinstance(name, str) else f"schedule number {number}"
