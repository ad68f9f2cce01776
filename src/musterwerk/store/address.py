"""Where the database is: `MUSTERWERK_DATABASE_URL`, or a file in the data folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from musterwerk.errors import UsageError

VARIABLE = "MUSTERWERK_DATABASE_URL"
FILE = "musterwerk.sqlite"
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}


def database_url(data: Path, environ: Mapping[str, str] = os.environ) -> URL:
    """Raises `UsageError` where the variable is set to something we cannot use."""
    given = environ.get(VARIABLE, "").strip()
    if not given:
        return URL.create("sqlite", database=str((data / FILE).absolute()))
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        url = None
    # The value is not repeated in the message: it may hold a password.
    if url is None or url.drivername not in _DRIVERS:
        raise UsageError(
            f"{VARIABLE} is no database we know: postgresql://USER:PASSWORD@HOST:PORT/DATABASE "
            "or sqlite:////absolute/path/to/file is expected"
        )
    if not url.database:
        raise UsageError(f"{VARIABLE} names no database: add /DATABASE at its end")
    return url.set(drivername=_DRIVERS[url.drivername])
