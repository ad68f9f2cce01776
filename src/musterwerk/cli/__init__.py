"""The `musterwerk` command, and what others need to add commands to it.

A package adds commands with an entry point in the group `musterwerk.commands` that names a
function `register(app: typer.Typer) -> None`, and parts of `musterwerk dev` with one in the group
`musterwerk.dev` that names a function `(DevContext) -> async context manager of addresses`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musterwerk.cli.address import DEFAULT_DATA as DEFAULT_DATA
    from musterwerk.cli.address import AddressOption as AddressOption
    from musterwerk.cli.address import DataOption as DataOption
    from musterwerk.cli.address import find_address as find_address
    from musterwerk.cli.dev import DevContext as DevContext
    from musterwerk.cli.output import Format as Format
    from musterwerk.cli.output import Output as Output
    from musterwerk.cli.output import OutputOption as OutputOption
    from musterwerk.cli.running import run as run

_HOMES = {
    "DEFAULT_DATA": "address",
    "AddressOption": "address",
    "DataOption": "address",
    "DevContext": "dev",
    "Format": "output",
    "Output": "output",
    "OutputOption": "output",
    "find_address": "address",
    "run": "running",
}


def __getattr__(name: str) -> object:
    # Loaded when asked for, so that the console script starts without the cli extra and can say
    # how to install it.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
