"""`musterwerk schedules ledger`: what became of every due time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from musterwerk.cli.address import DEFAULT_DATA, DataOption
from musterwerk.cli.office import opened
from musterwerk.cli.output import Format, Output, OutputOption
from musterwerk.cli.schedules_common import moment
from musterwerk.documents import near
from musterwerk.errors import UsageError

if TYPE_CHECKING:
    from musterwerk.store.ledger import FireRow, WatchRow
    from musterwerk.store.ledger_reading import FireSearch, Summary

_KEEPER = "musterwerk worker"
VerdictOption = Annotated[
    list[str] | None,
    typer.Option("--verdict", help="Only these; several times for several, or `bad`."),
]


def register(app: typer.Typer) -> None:
    app.command("ledger")(ledger)


def ledger(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    verdict: VerdictOption = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only those of this owner.")] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Due from.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Due until.")] = None,
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
        schedules=tuple(names or ()),
        verdicts=_verdicts(verdict or ()),
        owner=owner,
        since=moment(from_, "--from") if from_ else None,
        until=moment(until, "--until") if until else None,
        after=after,
        limit=limit,
    )
    if summary:
        _show_summaries(out, data, search)
    else:
        _show_fires(out, data, search)


def _verdicts(given: Sequence[str]) -> tuple[str, ...]:
    from musterwerk.schedules.ledger.model import BAD, VERDICTS

    found: list[str] = []
    for one in given:
        if one not in (*VERDICTS, "bad"):
            known = ", ".join((*VERDICTS, "bad"))
            raise UsageError(f"--verdict: {one!r} is none of {known}")
        found += BAD if one == "bad" else (one,)
    return tuple(found)


def _show_fires(out: Output, data: Path, search: FireSearch) -> None:
    from musterwerk.store.ledger import LedgerTable
    from musterwerk.store.ledger_reading import search_fires

    with opened(data, made_by=_KEEPER) as store:
        with store.read() as connection:
            page = search_fires(connection, search)
        table = LedgerTable(store)
        watched, known = table.watched(), table.known()
    if out.machine:
        out.json(
            {"fires": [asdict(one) for one in page.fires], "next": page.next, **_as_of(watched)}
        )
    else:
        columns = ("SCHEDULE", "DUE (UTC)", "VERDICT", "BEGAN AFTER", "TOOK", "REASON")
        out.table(columns, [_cells(one) for one in page.fires])
        if page.next:
            out.say(f"There are more: --after '{page.next}'")
    _warn(out, watched)
    for name in search.schedules:
        if name not in known:
            out.say(f"Nothing is kept of a schedule {name!r}{near(name, known)}")


def _show_summaries(out: Output, data: Path, search: FireSearch) -> None:
    from musterwerk.store.ledger import LedgerTable
    from musterwerk.store.ledger_reading import summaries

    with opened(data, made_by=_KEEPER) as store:
        with store.read() as connection:
            found = summaries(connection, search)
        table = LedgerTable(store)
        watched, known = table.watched(), table.known()
    if out.machine:
        out.json({"schedules": [asdict(one) for one in found], **_as_of(watched)})
    else:
        columns = ("SCHEDULE", "SUCCESS", "LATE (MEDIAN, MOST)", "TOOK (MEDIAN, MOST)", "VERDICTS")
        out.table(columns, [_summed(one) for one in found])
    _warn(out, watched)
    for name in search.schedules:
        if name not in known:
            out.say(f"Nothing is kept of a schedule {name!r}{near(name, known)}")


def _as_of(watched: WatchRow | None) -> dict[str, Any]:
    good = watched.good_until if watched else None
    return {"as_of": good.isoformat() if good else None}


def _warn(out: Output, watched: WatchRow | None) -> None:
    """Whoever reads an old ledger has to know."""
    from musterwerk.store.ledger_reading import outdated

    good = watched.good_until if watched else None
    if good is None:
        out.say(f"Nobody has kept the ledger yet; is a `{_KEEPER}` running?")
    elif outdated(good, datetime.now(UTC)):
        out.say(f"The ledger is as of {good:%Y-%m-%d %H:%M:%S} UTC: the monitor looks no more.")
    if watched and watched.error:
        out.say(f"The monitor says: {watched.error}")


def _cells(fire: FireRow) -> list[str]:
    late = fire.started_at - fire.due if fire.started_at else None
    took = fire.ended_at - fire.started_at if fire.ended_at and fire.started_at else None
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
