"""A whole directory as a document: who there is, in which groups and roles, and who is away.

[people.anna]
name = "Anna Huber"
mail = "anna@example.com"
language = "de"
zone = "Europe/Berlin"
groups = ["finance"]
roles = ["approver"]

[[absences]]
person = "anna"
from = 2026-12-24          # a day, or a time
until = 2027-01-06         # the last day away, or the time of the return
substitute = "ben"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from musterwerk.errors import UsageError
from musterwerk.principals import GROUP

ROLES = ("approver", "operator", "auditor", "admin")
LANGUAGES = ("en", "de")


@dataclass(frozen=True)
class PersonRow:
    """`mail` is None for whoever is not written to. `language` is "en" or "de"."""

    id: str
    name: str
    mail: str | None = None
    language: str = "en"
    zone: str = "UTC"
    active: bool = True


@dataclass(frozen=True)
class AbsenceRow:
    """Away from `starts` until before `ends`. The id is the database's."""

    person: str
    starts: datetime
    ends: datetime
    substitute: str | None = None
    id: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Entry:
    person: PersonRow
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    entries: tuple[Entry, ...] = ()
    absences: tuple[AbsenceRow, ...] = ()


def read_directory(document: Mapping[str, Any]) -> Directory:
    """Raises `UsageError` that names the place in the document."""
    _known(document, "", ("people", "absences"))
    people = _table(document.get("people", {}), "people")
    entries = [_entry(name, _table(one, f"people.{name}")) for name, one in people.items()]
    given = document.get("absences", [])
    if not isinstance(given, list):
        raise UsageError("absences: a list of tables is expected ([[absences]])")
    zones = {entry.person.id: entry.person.zone for entry in entries}
    absences = [
        _absence(_table(one, f"absences.{number}"), f"absences.{number}", zones)
        for number, one in enumerate(cast("list[Any]", given))
    ]
    return Directory(tuple(entries), tuple(absences))


def read_absence(given: Mapping[str, Any], zone: str) -> AbsenceRow:
    """One of `absences`, of somebody in this zone. Raises `UsageError`."""
    return _absence(given, "absence", {str(given.get("person")): zone})


def check_person(person: PersonRow, where: str = "") -> None:
    """Whoever is in the database can be named in a policy, and be written to."""
    name_of(person.id, f"{where}id" if where else "id")
    if not person.name.strip() or not person.name.isprintable():
        raise UsageError(f"{where}name: one line of printable text is expected")
    mail = person.mail
    if mail is not None and not _is_mail(mail):
        raise UsageError(f"{where}mail: {mail!r} is no mail address")
    if person.language not in LANGUAGES:
        raise UsageError(f"{where}language: {person.language!r}; {' or '.join(LANGUAGES)}")
    _zone(person.zone, f"{where}zone")


#: Actors in the trail that are nobody.
RESERVED = ("anonymous", "clock", "musterwerk")


def name_of(given: object, where: str) -> str:
    """The name of a person or a group, as policies write it."""
    name = given if isinstance(given, str) else ""
    usual = name and name == name.strip() and name.isprintable() and len(name) <= 190
    if name in RESERVED:
        raise UsageError(f"{where}: {name!r} is what the trail calls somebody without a name")
    if not usual or name.startswith(GROUP):
        raise UsageError(f"{where}: {given!r} is no name; printable text of one line is expected")
    return name


def check_roles(roles: Sequence[str], where: str = "roles") -> None:
    for role in roles:
        if role not in ROLES:
            raise UsageError(f"{where}: {role!r} is no role; there are {', '.join(ROLES)}")


#: Near the ends of the calendar no zone can be applied.
_YEARS = (1970, 9000)


def check_absence(absence: AbsenceRow, where: str = "absence") -> None:
    if absence.starts >= absence.ends:
        starts, ends = (f"{one:%Y-%m-%d %H:%M %Z}" for one in (absence.starts, absence.ends))
        raise UsageError(f"{where}: it ends ({ends}) before it begins ({starts})")
    if absence.starts.year < _YEARS[0] or absence.ends.year > _YEARS[1]:
        raise UsageError(f"{where}: years from {_YEARS[0]} to {_YEARS[1]} are expected")
    if absence.substitute == absence.person:
        raise UsageError(f"{where}: {absence.person!r} cannot stand in for themselves")


def _entry(name: str, given: Mapping[str, Any]) -> Entry:
    where = f"people.{name}."
    texts = ("name", "mail", "language", "zone")
    _known(given, where, (*texts, "active", "groups", "roles"))
    fields: dict[str, Any] = {"name": name}
    fields |= {key: _text(given[key], where + key) for key in texts if key in given}
    active = given.get("active", True)
    if not isinstance(active, bool):
        raise UsageError(f"{where}active: true or false is expected")
    person = PersonRow(id=name, active=active, **fields)
    check_person(person, where)
    groups = [name_of(one, where + "groups") for one in _texts(given, "groups", where)]
    roles = _texts(given, "roles", where)
    check_roles(roles, where + "roles")
    return Entry(person, tuple(dict.fromkeys(groups)), tuple(dict.fromkeys(roles)))


def _absence(given: Mapping[str, Any], where: str, zones: Mapping[str, str]) -> AbsenceRow:
    _known(given, where + ".", ("person", "from", "until", "substitute"))
    for key in ("person", "from", "until"):
        if key not in given:
            raise UsageError(f"{where}: {key} is missing")
    person = _text(given["person"], where + ".person")
    substitute = given.get("substitute")
    zone = _zone(zones.get(person, "UTC"), where)
    absence = AbsenceRow(
        person=person,
        starts=_moment(given["from"], zone, where + ".from"),
        ends=_moment(given["until"], zone, where + ".until", last=True),
        substitute=None if substitute is None else _text(substitute, where + ".substitute"),
    )
    check_absence(absence, where)
    return absence


def _moment(given: object, zone: ZoneInfo, where: str, *, last: bool = False) -> datetime:
    """A day begins at midnight where the person is; as the last of several it counts whole."""
    found = given
    if isinstance(given, str):
        try:
            found = (date if len(given) == len("2026-01-01") else datetime).fromisoformat(given)
        except ValueError:
            found = None
    try:
        if isinstance(found, datetime):
            return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        if isinstance(found, date):
            day = found + timedelta(days=1) if last else found
            return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError as error:
        raise UsageError(f"{where}: {given!r} is too far away") from error
    raise UsageError(f"{where}: {given!r} is neither a day (2026-12-24) nor a time")


def _known(given: Mapping[str, Any], where: str, fields: Sequence[str]) -> None:
    if strangers := sorted(set(given) - set(fields)):
        raise UsageError(f"{where}{strangers[0]}: no such field; there are {', '.join(fields)}")


def _table(given: object, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise UsageError(f"{where}: a table is expected, not {given!r}")
    return cast("Mapping[str, Any]", given)


def _texts(given: Mapping[str, Any], key: str, where: str) -> list[str]:
    found = given.get(key, [])
    if not isinstance(found, list):
        raise UsageError(f"{where}{key}: a list is expected")
    return [_text(one, where + key) for one in cast("list[Any]", found)]


def _text(given: object, where: str) -> str:
    if not isinstance(given, str):
        raise UsageError(f"{where}: text is expected, not {given!r}")
    return given


def _is_mail(text: str) -> bool:
    user, at, host = text.rpartition("@")
    return bool(user and at and host) and text.isprintable() and not set(text) & set(' ,;<>"()')


def _zone(name: str, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:  # KeyError: ZoneInfoNotFoundError
        raise UsageError(f"{where}: {name!r} is no time zone such as Europe/Berlin") from error
