"""`musterwerk sagas list --dead-letters` and `resolve` as they are documented, for the operator.

A script in the place of the `musterwerk` command. It asks the workflows' own query and sends
their own update, so that what it says and does is real.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from typing import Any

from musterwerk.runtime.connection import Target
from musterwerk.runtime.exits import leave
from musterwerk.saga import Resolve
from musterwerk.saga.client import list_sagas, report


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    commands = (
        parser.add_subparsers(required=True)
        .add_parser("sagas")
        .add_subparsers(required=True, dest="command")
    )
    listing = commands.add_parser("list")
    listing.add_argument("--dead-letters", action="store_true", required=True)
    listing.add_argument("--open", action="store_true")
    listing.add_argument("--limit", type=int, default=50)
    listing.add_argument("-o", choices=["json"], required=True)
    resolve = commands.add_parser("resolve")
    resolve.add_argument("workflow")
    resolve.add_argument("step")
    resolve.add_argument("--retry", dest="action", action="store_const", const="retry")
    resolve.add_argument("--done", dest="action", action="store_const", const="done")
    resolve.add_argument("--by", required=True)
    resolve.add_argument("--reason", required=True)
    for command in (listing, resolve):
        command.add_argument("--address", required=True)
    return parser.parse_args()


async def open_letters(options: argparse.Namespace) -> list[dict[str, Any]]:
    client = await Target(options.address).connect()
    return [
        {
            "workflow_id": execution.workflow_id,
            "saga": saga["name"],
            **{name: letter[name] for name in ("step", "direction", "error", "since")},
        }
        for execution in await list_sagas(client, state="open", limit=options.limit)
        for saga in execution.sagas or ()
        for letter in saga["dead_letters"]
        if not letter["settled"]
    ]


async def settle(options: argparse.Namespace) -> None:
    client = await Target(options.address).connect()
    execution = await report(client, options.workflow)
    (saga,) = (
        saga["name"]
        for saga in execution.sagas or ()
        for letter in saga["dead_letters"]
        if letter["step"] == options.step and not letter["settled"]
    )
    # The SDK's overloads for handlers by name are partially unknown to strict checking.
    handle: Any = client.get_workflow_handle(options.workflow)
    await handle.execute_update(
        "saga_resolve",
        Resolve(options.step, options.action, options.by, options.reason, saga=saga),
    )


if __name__ == "__main__":
    if sys.argv[1:3] == ["sagas", "show"]:  # as it is
        command = [sys.executable, "-P", "-m", "musterwerk", *sys.argv[1:]]
        os.execv(sys.executable, command)  # noqa: S606 - our own command
    given = parse()
    if given.command == "list":
        sys.stdout.write(json.dumps(asyncio.run(open_letters(given))))
    else:
        asyncio.run(settle(given))
    sys.stdout.flush()
    leave(0)
