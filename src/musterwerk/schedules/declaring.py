"""Schedules as somebody wrote them: in a TOML file, or in Python as `module:name`.

Every mistake of a file is told at once, with file, schedule and field.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from musterwerk.documents import mistakes, read_toml
from musterwerk.errors import UsageError
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.mistakes import ScheduleMistake
from musterwerk.schedules.model import OURS_ALONE, Schedule, When

_WHEN = frozenset(When.model_fields)
_TABLES = ("schedule", "set")
#: It is part of a name on the server.
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
    if unknown := sorted(set(document) - set(_TABLES)):
        raise UsageError(f"{path}: {unknown[0]}: no such table; [[schedule]] is expected")
    tables = document.get("schedule", [])
    if not isinstance(tables, list) or not tables:
        raise UsageError(f"{path}: there is no schedule in it; [[schedule]] is expected")
    found: list[Schedule] = []
    flaws: list[str] = []
    for number, table in enumerate(cast("list[Any]", tables), 1):
        try:
            found.append(_one(table))
        except ValidationError as error:
            errors = cast("list[dict[str, Any]]", error.errors(include_url=False))
            flaws += [f"{_named(table, number)}: {_flat(str(one))}" for one in mistakes(errors)]
    flaws += _flaws(found)
    if flaws:
        raise UsageError("\n".join(f"{path}: {flaw}" for flaw in flaws))
    return Declaration(str(path), _set_of(path, document), tuple(found))


def _set_of(path: Path, document: Mapping[str, Any]) -> str:
    if "set" in document:
        _check_set(document["set"], f"{path}: set")
        return str(document["set"])
    return re.sub(r"[^A-Za-z0-9._-]", "_", path.stem)[:_LONGEST_SET]


def _check_set(name: Any, place: str) -> None:
    if not isinstance(name, str) or not re.fullmatch(rf"[A-Za-z0-9._-]{{1,{_LONGEST_SET}}}", name):
        raise UsageError(
            f"{place}: {name!r} is no name of a set; letters, digits, . _ and - are expected, "
            f"{_LONGEST_SET} at most"
        )


def _from_python(where: str) -> Declaration:
    module, _, name = where.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{where}: {error}") from error
    except (Exception, SystemExit) as error:  # whatever somebody's module does
        raise UsageError(f"{where}: importing it fails: {type(error).__name__}: {error}") from error
    several = (found,) if isinstance(found, Schedule) else found
    if not isinstance(several, Iterable):
        raise UsageError(f"{where} is no Schedule, and no list of them")
    schedules = tuple(cast("Iterable[Any]", several))
    if not schedules or not all(isinstance(one, Schedule) for one in schedules):
        raise UsageError(f"{where} is no Schedule, and no list of them")
    if flaws := _flaws(schedules):
        raise UsageError("\n".join(f"{where}: {flaw}" for flaw in flaws))
    return Declaration(where, f"{module}.{name}"[:_LONGEST_SET], schedules)


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
    flaws += [
        f"schedule {one.name!r}: name: only Musterwerk's own begin with {OURS_ALONE!r}"
        for one in schedules
        if one.name.startswith(OURS_ALONE)
    ]
    counted = Counter(one.name for one in schedules)
    flaws += [
        f"schedule {name!r}: name: there are {count} of this name; each needs its own"
        for name, count in counted.items()
        if count > 1
    ]
    return [*flaws, *_renames(schedules, set(counted))]


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
    return f"schedule {name!r}" if isinstance(name, str) else f"schedule number {number}"


def _flat(mistake: str) -> str:
    return mistake.removeprefix("when.")
