"""`musterwerk schedules ledger`: what became of every due time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from musterwerk.cli.address import DEFAULT_DATA, DataOption
from musterwerk.cli.office import opened
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.schedules_common import NamesArgument, moment
from musterwerk.documents import near
from musterwerk.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from musterwerk.store.ledger_reading import FireSearch, Summary
    from musterwerk.store.ledger_rows import FireRow, WatchRow

_KEEPER = "musterwerk worker"
_TIMES = "A date means its first moment. In UTC, unless an offset is given."
VerdictOption = Annotated[
    list[str] | None,
    typer.Option("--verdict", help="Only these; several times for several, or `bad`."),
]


def register(app: typer.Typer) -> None:
    app.command("ledger")(ledger)


def ledger(
    names: NamesArgument = None,
    verdict: VerdictOption = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only those of this owner.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help=f"Due then or later. {_TIMES}")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help=f"Due then or earlier. {_TIMES}")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, latest first.")] = 50,
    after: Annotated[str | None, typer.Option("--after", help="Go on after this page.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="How well each has done.")] = False,
    output: OutputOption = Format.table,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Show what became of every due time: ran, late, failed, skipped, paused, missed, ...

    Kept in the database by the monitor of `musterwerk worker`: DATA/musterwerk.sqlite, or what
    MUSTERWERK_DATABASE_URL says.
    """
    out = Output(output)
    try:
        from musterwerk.store.ledger_reading import FireSearch
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"the ledger needs {missing.name}: pip install 'musterwerk[worker]'"
        ) from missing
    search = FireSearch(
        verdicts=_verdicts(verdict or ()),
        owner=owner,
        since=moment(from_, "--from") if from_ else None,
        until=moment(until, "--until") if until else None,
        after=after,
        limit=limit,
    )
    if summary:
        _show_summaries(out, data, search, names or ())
    else:
        _show_fires(out, data, search, names or ())


def _verdicts(given: Sequence[str]) -> tuple[str, ...]:
    from musterwerk.schedules.ledger.model import BAD, VERDICTS

    found: list[str] = []
    for one in given:
        if one not in (*VERDICTS, "bad"):
            known = ", ".join((*VERDICTS, "bad"))
            raise UsageError(f"--verdict: {one!r} is none of {known}")
        found += BAD if one == "bad" else (one,)
    return tuple(found)


def _named(connection: Connection, search: FireSearch, patterns: Sequence[str]) -> FireSearch:
    """Raises `UsageError` where a name stands for none: nothing seems wrong with what is not."""
    from musterwerk.store.ledger_reading import schedule_names

    known = schedule_names(connection)
    chosen = set[str]()
    for pattern in patterns:
        found = [name for name in known if fnmatchcase(name, pattern)]
        if not found:
            raise UsageError(
                f"the ledger has no schedule called {pattern!r}; `schedules list` shows ours"
                f"{near(pattern, known)}"
            )
        chosen.update(found)
    return replace(search, schedules=tuple(sorted(chosen)))


def _show_fires(out: Output, data: Path, search: FireSearch, names: Sequence[str]) -> None:
    from musterwerk.store.ledger_reading import search_fires

    with opened(data, made_by=_KEEPER) as store, store.read() as connection:
        search = _named(connection, search, names)
        page, state = search_fires(connection, search), _state(connection, search)
    if out.machine:
        fires = [asdict(one) for one in page.fires]
        out.json({"fires": fires, "next": page.next, **state.as_json()})
    else:
        columns = ("SCHEDULE", "DUE (UTC)", "VERDICT", "BEGAN AFTER", "TOOK", "REASON")
        out.table(columns, [_cells(one) for one in page.fires])
        if page.next:
            out.say(f"There are more: --after '{page.next}'")
    _warn(out, state)


def _show_summaries(out: Output, data: Path, search: FireSearch, names: Sequence[str]) -> None:
    from musterwerk.store.ledger_reading import summaries

    with opened(data, made_by=_KEEPER) as store, store.read() as connection:
        search = _named(connection, search, names)
        found, state = summaries(connection, search), _state(connection, search)
    if out.machine:
        out.json({"schedules": [asdict(one) for one in found], **state.as_json()})
    else:
        columns = ("SCHEDULE", "SUCCESS", "LATE (MEDIAN, MOST)", "TOOK (MEDIAN, MOST)", "VERDICTS")
        out.table(columns, [_summed(one) for one in found])
    _warn(out, state)


@dataclass(frozen=True)
class _State:
    """How far the ledger is, and what it leaves out."""

    watched: WatchRow | None
    flaws: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        good = self.watched.good_until if self.watched else None
        left_out = [{"schedule": name, "reason": flaw} for name, flaw in self.flaws.items()]
        return {"as_of": good.isoformat() if good else None, "unjudged": left_out}


def _state(connection: Connection, search: FireSearch) -> _State:
    from musterwerk.store.ledger_reading import flaws
    from musterwerk.store.schedule_pages import watched

    return _State(watched(connection), flaws(connection, search.schedules))


def _warn(out: Output, state: _State) -> None:
    """Whoever reads an old ledger has to know."""
    from musterwerk.store.ledger_reading import outdated

    good = state.watched.good_until if state.watched else None
    if good is None:
        out.say(f"Nobody has kept the ledger yet; is a `{_KEEPER}` running?")
    elif outdated(good, datetime.now(UTC)):
        out.say(f"The ledger is as of {good:%Y-%m-%d %H:%M:%S} UTC: the monitor looks no more.")
    if state.watched and state.watched.error:
        out.say(f"The monitor says: {state.watched.error}")
    for name, flaw in state.flaws.items():
        out.say(f"{name} cannot be judged, and is left out: {flaw}")


def _cells(fire: FireRow) -> list[str]:
    late, took = fire.lateness, fire.took
    return [
        fire.schedule,
        f"{fire.due:%Y-%m-%d %H:%M:%S}",
        fire.verdict,
        _seconds(late.total_seconds() if late is not None else None),
        _seconds(took.total_seconds() if took is not None else None),
        fire.reason,
    ]


def _summed(one: Summary) -> list[str]:
    rate = "" if one.success_rate is None else f"{one.success_rate:.1%}"
    return [
        one.schedule,
        rate,
        f"{_seconds(one.late_median_s)}, {_seconds(one.late_max_s)}",
        f"{_seconds(one.took_median_s)}, {_seconds(one.took_max_s)}",
        ", ".join(f"{number} {verdict}" for verdict, number in sorted(one.verdicts.items())),
    ]


def _seconds(given: float | None) -> str:
    return "" if given is None else f"{given:.1f} s"
