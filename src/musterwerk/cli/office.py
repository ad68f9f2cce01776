"""What commands about people and approvals share: who is asking, and the database."""

from __future__ import annotations

import getpass
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from musterwerk.errors import StoreMissing, UsageError

if TYPE_CHECKING:
    from musterwerk.store import Store

USER = "MUSTERWERK_USER"
AsOption = Annotated[
    str | None,
    typer.Option("--as", metavar="PERSON", help=f"Who does it. Default: {USER}, then your log-in."),
]


def actor(given: str | None = None) -> str:
    """Who is at the keyboard, as far as we know."""
    name = given or os.environ.get(USER, "").strip()
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError(f"who are you? Say it with --as PERSON or {USER}") from None


@contextmanager
def opened(
    data: Path,
    *,
    to_change: bool = False,
    new: bool = False,
    made_by: str = "musterwerk people apply FILE",
) -> Generator[Store]:
    """The database. Raises `StoreMissing` where there is none, unless a `new` one may be made: a
    mistyped folder would become an empty company. `made_by` is then told."""
    try:
        from musterwerk.store import Store, database_url
    except ModuleNotFoundError as missing:
        raise UsageError(f"this needs {missing.name}: pip install 'musterwerk[store]'") from missing
    url = database_url(data)
    file = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    store = Store(url, migrate=to_change)
    try:
        if file is not None and new:
            file.parent.mkdir(parents=True, exist_ok=True)
        elif file is not None and not file.exists():
            raise StoreMissing(f"there is no database {file}")
        yield store
    except StoreMissing as missing:
        raise StoreMissing(
            f"{missing}; --data says where it is, `{made_by}` makes one"
        ) from missing
    finally:
        store.close()
