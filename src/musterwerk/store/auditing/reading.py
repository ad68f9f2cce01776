"""Reading trail, files and key, and putting them before the rules."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Text, func, select, type_coerce

from musterwerk.store.audit import head_of
from musterwerk.store.audit_folder import AuditFolder, SealFiles, load_public_key
from musterwerk.store.audit_tables import audit
from musterwerk.store.auditing.chain import AuditVerifier
from musterwerk.store.auditing.seals import Checked, check
from musterwerk.store.auditing.verdict import Deviates, Deviation, Retained, Verdict
from musterwerk.store.checkpoints import key_id
from musterwerk.store.database import Store

_PAGE = 2000
#: As they are stored: what somebody has changed need not be of the column's type any more.
_RAW = tuple(type_coerce(column, Text).label(column.name) for column in audit.columns[1:])

Line = dict[str, Any]

_UNSEALED = "no checkpoint covers any of it: whoever can write the database could have written it"


def verify(
    store: Store,
    folder: AuditFolder,
    *,
    executions: Callable[[], Iterable[Retained]] | None = None,
    public_key: Path | None = None,
    seen: Callable[[int], object] | None = None,
) -> Verdict:
    """Look at everything; the lines are read in pages, and appending goes on meanwhile.

    `executions` tells what Temporal retains. `public_key` is the auditor's own copy of the key;
    without one it is taken from the folder. `seen` is told how many lines were read.
    """
    # First, so that the trail is not behind.
    retained = None if executions is None else list(executions())
    upto, files = snapshot(store, folder)
    key = folder.public_key() if public_key is None else load_public_key(public_key)
    checked = check(files, key)
    verifier = AuditVerifier(checked, retained or ())
    deviation = _run(store, verifier, upto, seen)
    sealed = verifier.seals.sealed_up_to
    return Verdict(
        lines=verifier.lines,
        checkpoints=len(checked.good),
        sealed_up_to=sealed,
        unsealed=verifier.lines - sealed - verifier.notes_after,
        executions=None if retained is None else len(retained),
        key_id=None if key is None else key_id(key),
        warnings=() if checked.good or not verifier.lines else (_UNSEALED,),
        deviation=_first(deviation or _without(public_key, checked), checked),
    )


def snapshot(store: Store, folder: AuditFolder) -> tuple[int, SealFiles]:
    """The last line and the checkpoints, of the same moment."""
    with folder.quiet(), store.read() as connection:
        return head_of(connection).seq, folder.read()


def pages(store: Store, upto: int) -> Generator[list[Line]]:
    """The raw lines in their order.

    By ranges of numbers: should a number be there twice, no page may end between the two.
    """
    query = select(audit.c.seq, *_RAW).order_by(audit.c.seq, audit.c.source)
    rest = select(func.min(audit.c.seq)).where(audit.c.seq <= upto)
    while True:
        with store.read() as connection:
            first = connection.execute(rest).scalar()
            if first is None:
                return
            last = min(first + _PAGE - 1, upto)
            page = query.where(audit.c.seq.between(first, last))
            lines = [dict(row) for row in connection.execute(page).mappings()]
        yield lines
        rest = select(func.min(audit.c.seq)).where(audit.c.seq > last, audit.c.seq <= upto)


def _run(
    store: Store, verifier: AuditVerifier, upto: int, seen: Callable[[int], object] | None
) -> Deviation | None:
    twice = _told_twice(store)
    try:
        for lines in pages(store, upto):
            for line in lines:
                if twice is not None and line["seq"] == twice:
                    what = f"line {twice} is there twice: the same was told before"
                    raise Deviates(twice, what, found=str(line["source"]))
                verifier.see(line)
            if seen is not None:
                seen(verifier.lines)
        verifier.end()
    except Deviates as found:
        return found.deviation
    return None


def _told_twice(store: Store) -> int | None:
    """The first line whose source another line before it has; the database should refuse it."""
    again = select(func.max(audit.c.seq)).group_by(audit.c.source).having(func.count() > 1)
    with store.read() as connection:
        return min(connection.execute(again).scalars(), default=None)


def _without(public_key: Path | None, checked: Checked) -> Deviation | None:
    """Whoever brings a key knows that something was signed with it."""
    if public_key is None or checked.good or checked.flaw is not None:
        return None
    what = f"there is no checkpoint at all, and so none that the key in {public_key} belongs to"
    return Deviation(1, what)


def _first(found: Deviation | None, checked: Checked) -> Deviation | None:
    """A wrong checkpoint is about lines before the one where the trail is found wrong, perhaps."""
    flaws = [one for one in (found, checked.flaw) if one is not None]
    return min(flaws, key=lambda one: one.seq, default=None)
