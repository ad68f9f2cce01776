"""The console script. Imports nothing that the cli extra brings before it is known to be there."""

from __future__ import annotations

import sys
from typing import NoReturn

from musterwerk.runtime.exits import leave

_CLI_EXTRA = {"typer", "rich", "pydantic"}


def main() -> NoReturn:
    try:
        from musterwerk.cli.app import execute
    except ModuleNotFoundError as missing:
        if missing.name not in _CLI_EXTRA:
            raise
        sys.stderr.write(
            f"musterwerk: the command line needs {missing.name}: pip install 'musterwerk[cli]'\n"
        )
        leave(2)
    leave(execute())
