"""Which Temporal server a command talks to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from musterwerk.errors import ServerError
from musterwerk.runtime.connection import Target, load_config
from musterwerk.runtime.folder import alive

DEFAULT_DATA = Path(".data")

AddressOption = Annotated[
    str | None,
    typer.Option("--address", metavar="HOST:PORT", help="Temporal server to use."),
]
DataOption = Annotated[Path, typer.Option("--data", help="Data folder of `musterwerk dev`.")]


NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", help="Default: Temporal's own setting.")
]


def find_address(
    address: str | None = None, data: Path = DEFAULT_DATA, namespace: str | None = None
) -> Target:
    """`--address`, then Temporal's environment or profile, then the `musterwerk dev` on `data`."""
    if target := given_address(address):
        return Target(target.address, namespace)
    if running := read_dev(data):
        known = namespace or running["namespace"]
        return Target(running["address"], known, isolated=running["isolated"])
    raise ServerError(
        f"no Temporal server is known: start one with `musterwerk dev --data {data}`, "
        "or set TEMPORAL_ADDRESS or --address"
    )


def given_address(address: str | None) -> Target | None:
    """What the command line, or else Temporal's own configuration, says."""
    if address:
        return Target(address)
    if configured := load_config().get("target_host"):
        return Target(configured)
    return None


def dev_file(data: Path) -> Path:
    return data / "dev.json"


def write_dev(data: Path, content: Mapping[str, Any]) -> None:
    """Written beside and renamed, so that nobody reads half a file."""
    draft = dev_file(data).with_suffix(".new")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(dev_file(data))


def read_dev(data: Path) -> dict[str, Any] | None:
    """What a running `dev` wrote; None if there is none, or one was killed and left its file."""
    try:
        content: dict[str, Any] = json.loads(dev_file(data).read_text())
    except FileNotFoundError:
        return None
    return content if alive(content["pid"]) else None
