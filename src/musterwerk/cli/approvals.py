"""`musterwerk approvals`: the inbox on the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from musterwerk.cli import approvals_acting, approvals_asking, approvals_simulate
from musterwerk.cli.address import DEFAULT_DATA, AddressOption, DataOption
from musterwerk.cli.approvals_reading import Box, Wanted, Where, find, listed
from musterwerk.cli.approvals_telling import able, answer_wanted, kept_out, level
from musterwerk.cli.office import actor
from musterwerk.cli.output import Format, Output, OutputOption, plain
from musterwerk.cli.running import run
from musterwerk.cli.telling import said, when, words

app = typer.Typer(
    help="Approvals: ask people, list what waits, decide, and all around it.",
    no_args_is_help=True,
)
_GOOD = {"approved": "green", "rejected": "red", "expired": "red", "withdrawn": "yellow"}
_OPEN = ("open", "info_requested")
_SHOWN = (
    "requester",
    "outcomes",
    "created_at",
    "expires_at",
    "next_event",
    "next_at",
    "claimed_by",
    "delegations",
    "question",
    "asked_by",
    "ended_at",
    "by",
    "reason",
    "revision",
    "digest",
)


def register(main: typer.Typer) -> None:
    approvals_asking.register(app)
    approvals_acting.register(app)
    app.command("simulate")(approvals_simulate.simulate)
    main.add_typer(app, name="approvals")


@app.command("list")
def list_(
    box: Annotated[
        Box | None,
        typer.Option(
            help="Default: all that are open; with --for, what this person may decide, and has "
            "been asked back (mine and questions); with the --state of an end, decided."
        ),
    ] = None,
    person: Annotated[str | None, typer.Option("--for", metavar="PERSON", help="Whose.")] = None,
    state: Annotated[str | None, typer.Option(help="Such as open or rejected.")] = None,
    requester: Annotated[str | None, typer.Option(metavar="PERSON", help="Who asked.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """List requests: open ones by deadline, decided ones latest first."""
    out = Output(output)
    spelled = None if state is None else state.replace(" ", "_")  # as the table prints it
    if box is None and spelled not in (None, *_OPEN):
        box = "decided"
    wanted = Wanted(box, person, spelled, requester, limit)
    found = listed(out, Where(address, data), wanted)
    if out.machine:
        out.json(found)
    elif found:
        ends = ["DECIDED BY", "ENDED"] if box == "decided" else ["WHO DECIDES", "EXPIRES"]
        columns = ["REQUEST", "SUBJECT", "STATE", "REQUESTER", *ends]
        out.table(columns, [_row(one) for one in found])
    elif box in (None, "mine") and (box or person) and not (spelled or requester):
        out.say(f"Nothing waits for {person or actor()}.")
    else:
        out.say("No such request.")


@app.command("show")
def show(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The request's id.")],
    output: OutputOption = Format.table,
    address: AddressOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Show a request with its details and its story."""
    out = Output(output)
    found = run(find(out, Where(address, data), identity))
    if out.machine:
        out.json(found)
        return
    out.text(Text.assemble(plain(found["subject"]), "  ", _state(found)))
    for name in _SHOWN:
        if found.get(name) not in (None, "", [], {}):
            out.text(_line(name.replace("_", " "), _told(name, found[name])))
    for name, value in _standing(found).items():
        if value:
            out.text(_line(name, words(value)))
    if found["details"] is not None:
        _show_details(out, found["details"])
    for vote in found["votes"]:
        instead = f" for {vote['on_behalf_of']}" if vote["on_behalf_of"] else ""
        why = f": {vote['reason']}" if vote["reason"] else ""
        out.text(f"  {vote['person']}{instead} said {vote['outcome']} at {when(vote['at'])}{why}")
    for entry in found["story"]:
        instead = f" for {entry['on_behalf_of']}" if entry["on_behalf_of"] else ""
        more = f": {what}" if (what := said(entry["data"], actor=entry["actor"])) else ""
        did = f"{entry['event']} by {entry['actor']}{instead}{more}"
        out.text(f"  {entry['number']:>3} {when(entry['at'])} {did}")


def _line(name: str, value: str) -> str:
    return f"  {name:<11} {value}"


def _standing(found: dict[str, Any]) -> dict[str, Any]:
    """What an open request waits for."""
    if found["ended_at"]:
        return {}
    waits = {"level": level(found), "answer wanted": answer_wanted(found)}
    return waits | {"may decide": able(found)} | kept_out(found)


def _show_details(out: Output, details: Any) -> None:
    import json

    out.text("  details")
    for line in json.dumps(details, indent=2, ensure_ascii=False).splitlines():
        out.text(f"    {line}")


def _row(status: dict[str, Any]) -> list[str | Text]:
    decides = status["claimed_by"] or ", ".join(able(status))
    who = ", ".join(status["by"]) if status["ended_at"] else decides
    until = status["ended_at"] or status["expires_at"]
    head = [status["request_id"], status["subject"]]
    return [*head, _state(status), status["requester"], who, when(until) if until else ""]


def _state(status: dict[str, Any]) -> Text:
    state = status["state"]
    return Text(plain(state.replace("_", " ")).plain, style=_GOOD.get(state, ""))


def _told(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return when(value)
    if name == "delegations":
        value = [f"{one} → {to}" for one, to in value.items()]
    return words(value)
