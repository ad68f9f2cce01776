"""`musterwerk people`: who there is, who is away, and how they show who they are.

Whoever can write the database may use these commands; what they change is audited.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from musterwerk.cli.address import DEFAULT_DATA, DataOption
from musterwerk.cli.office import AsOption, actor, opened
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.people_telling import changed
from musterwerk.cli.telling import when, words
from musterwerk.documents import read_toml
from musterwerk.errors import UsageError
from musterwerk.wire import Duration

app = typer.Typer(
    help="People: list, show, apply a directory, absences, passwords, tokens.",
    no_args_is_help=True,
)
PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")]


def register(main: typer.Typer) -> None:
    main.add_typer(app, name="people")


@app.command("list")
def list_(output: OutputOption = Format.table, data: DataOption = DEFAULT_DATA) -> None:
    """Everybody, with groups and roles."""
    from musterwerk.store import PeopleTable

    with opened(data) as store:
        table = PeopleTable(store)
        groups = table.groups()
        found = [
            asdict(one)
            | {
                "groups": [name for name, who in groups.items() if one.id in who],
                "roles": list(table.roles_of(one.id)),
            }
            for one in table.all()
        ]
    out = Output(output)
    if out.machine:
        out.json(found)
    elif found:
        columns = ["PERSON", "NAME", "MAIL", "GROUPS", "ROLES", "ACTIVE"]
        out.table(columns, [_row(one) for one in found])
    else:
        out.say("Nobody yet; `musterwerk people apply FILE.toml` adds people.")


@app.command("show")
def show(
    person: PersonArgument, output: OutputOption = Format.table, data: DataOption = DEFAULT_DATA
) -> None:
    """Somebody, their absences, and for whom they act now."""
    from musterwerk.store import PeopleTable

    now = datetime.now(UTC)
    with opened(data) as store:
        table = PeopleTable(store)
        row = table.get(person)
        if row is None:
            raise UsageError(f"nobody is known as {person!r}; see `musterwerk people list`")
        found: dict[str, Any] = asdict(row) | {
            "groups": [name for name, who in table.groups().items() if person in who],
            "roles": list(table.roles_of(person)),
            "acts_for": list(table.principals_of(person, now)),
            "absences": [
                asdict(one) for one in table.absences(ending_after=now) if one.person == person
            ],
        }
    out = Output(output)
    if out.machine:
        out.json(_plain(found))
        return
    for name, value in found.items():
        if name != "absences":
            out.text(f"{name.replace('_', ' '):<9} {_text(value)}")
    for one in found["absences"]:
        instead = f", {one['substitute']} stands in" if one["substitute"] else ""
        out.text(f"away      {when(one['starts'])} to {when(one['ends'])}{instead}")


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The directory of people.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Whoever is not in the file leaves.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")
    ] = False,
    by: AsOption = None,
    output: OutputOption = Format.table,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make everybody in the file as it says; all of it, or nothing. Prints what it changes.

    [people.anna] with name, mail, language ("en", "de"), zone, groups, roles, active;
    [[absences]] with person, from, until, substitute.
    """
    from musterwerk.store import PeopleTable

    document = read_toml(file)
    options: dict[str, Any] = {"prune": prune, "dry_run": dry_run}
    with opened(data, to_change=not dry_run, new=not dry_run) as store:
        try:
            lines = PeopleTable(store).apply(document, actor=actor(by), channel="cli", **options)
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from error
    out = Output(output)
    told = [changed(line.event, line.data) for line in lines]
    if out.machine:
        events = [{"event": line.event, "data": line.data} for line in lines]
        changes = [one | {"words": said} for one, said in zip(events, told, strict=True)]
        out.json({"dry_run": dry_run, "changes": changes})
    else:
        for said in told:
            for one in said:
                out.text(one)
    if dry_run:
        out.say("A dry run: nothing was changed.")
    else:
        out.say(f"Done: {len(document.get('people', {}))} people are as {file} says.")


@app.command("absent")
def absent(
    person: PersonArgument,
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="First day away, or a time.")],
    until: Annotated[str, typer.Option(metavar="DAY", help="Last day away, or the return.")],
    substitute: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who decides meanwhile.")
    ] = None,
    by: AsOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Note that somebody is away; days are those where the person is."""
    from musterwerk.store import PeopleTable
    from musterwerk.store.directory import read_absence

    given = {"person": person, "from": start, "until": until}
    given |= {"substitute": substitute} if substitute else {}
    with opened(data, to_change=True) as store:
        table = PeopleTable(store)
        row = table.get(person)
        try:
            absence = read_absence(given, row.zone if row else "UTC")
        except UsageError as error:
            raise UsageError(str(error).removeprefix("absence").lstrip(".: ")) from error
        with table.changes(actor=actor(by), channel="cli") as change:
            change.absence(absence)
    instead = f"; {substitute} stands in" if substitute else "; nobody stands in"
    away = f"{when(absence.starts)} to {when(absence.ends)}"
    Output().say(f"{person} is away {away}{instead}.")


@app.command("password")
def password(
    person: PersonArgument,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make one and print it, this once.")
    ] = False,
    by: AsOption = None,
    output: OutputOption = Format.table,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Give somebody a password for the console; their sessions end.

    It is asked for twice on a terminal, else read from the first line of stdin.
    """
    from musterwerk.cli import passwords

    with opened(data, to_change=True) as store:
        given = passwords.put(
            store, person, passwords.generated if generate else passwords.asked, actor(by)
        )
    out = Output(output)
    if out.machine:
        out.json({"person": person} | ({"password": given} if generate else {}))
    elif generate:
        out.text(given)
    out.say(f"{person} has a new password; sessions with the old one have ended.")


@app.command("token")
def token(
    person: PersonArgument,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires: Annotated[
        str, typer.Option(metavar="WHEN", help='"30 days", the last day, or "never".')
    ] = "90 days",
    by: AsOption = None,
    output: OutputOption = Format.table,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    from musterwerk.store import TokenTable

    until = None if expires == "never" else _until(expires)
    with opened(data, to_change=True) as store:
        secret = TokenTable(store).issue(person, label, until, actor=actor(by), channel="cli")
    out = Output(output)
    if out.machine:
        told = {"person": person, "label": label, "expires_at": until, "secret": secret}
        out.json(_plain(told))
    else:
        out.text(secret)
        out.say(f"For {person}, " + (f"until {when(until)}." if until else "until revoked."))


@app.command("tokens")
def tokens(
    person: PersonArgument, output: OutputOption = Format.table, data: DataOption = DEFAULT_DATA
) -> None:
    """Somebody's tokens, without their secrets."""
    from musterwerk.store import TokenTable

    with opened(data) as store:
        found = [asdict(one) for one in TokenTable(store).list(person)]
    out = Output(output)
    if out.machine:
        out.json(_plain(found))
    elif found:
        names = ["id", "label", "created_at", "expires_at", "last_used_at", "revoked_at"]
        rows = [[_text(one[name]) for name in names] for one in found]
        out.table([name.removesuffix("_at").replace("_", " ").upper() for name in names], rows)
    else:
        out.say(f"No token of {person!r}.")


@app.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="Of `people tokens PERSON`.")],
    by: AsOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make a token useless, at once."""
    from musterwerk.store import TokenTable

    with opened(data, to_change=True) as store:
        TokenTable(store).revoke(token_id, actor=actor(by), channel="cli")
    Output().say("Revoked: it opens nothing any more.")


def _until(text: str) -> datetime:
    now = datetime.now(UTC)
    try:
        until = now + TypeAdapter[timedelta](Duration).validate_python(text)
    except (ValidationError, OverflowError):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise UsageError(
                f'--expires: {text!r} is neither a time from now ("90 days"), nor a day '
                "(2027-01-31), nor never"
            ) from None
        until = datetime.combine(day + timedelta(days=1), time(), UTC)
    if until <= now:
        raise UsageError(f"--expires: {text!r} has passed")
    return until


def _row(person: dict[str, Any]) -> list[str]:
    names = ("id", "name", "mail", "groups", "roles")
    return [*(_text(person[name]) for name in names), "yes" if person["active"] else "no"]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return words(value)
    if isinstance(value, datetime):
        return when(value)
    return "-" if value is None or value == "" else str(value)


def _plain(data: Any) -> Any:
    return TypeAdapter(Any).dump_python(data, mode="json")
