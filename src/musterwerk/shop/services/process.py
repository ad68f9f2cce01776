"""A service as a process: `python -m musterwerk.shop.services.<name> --fd N --data DIR`.

It serves on a listening socket that it inherits, so no port is guessed. It stops when its stdin
ends, which happens by itself when whoever started it dies, or at SIGTERM; both let running
requests finish and exit with 0.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.types import ASGIApp

from musterwerk.shop.model import Identifier
from musterwerk.shop.services.faults import FaultPlan

#: Seconds that running requests get at the end; whoever stops us waits a little longer.
GRACE = 8


def parser(name: str) -> argparse.ArgumentParser:
    """The arguments that every process of the shop takes."""
    parser = argparse.ArgumentParser(prog=f"python -m musterwerk.shop.{name}")
    parser.add_argument("--fd", type=int, required=True, help="an inherited listening socket")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the databases")
    return parser


def service_parser(name: str) -> argparse.ArgumentParser:
    result = parser(f"services.{name}")
    result.add_argument("--seed", type=int, default=0, help="which requests meet a fault")
    result.add_argument(
        "--faults", type=_rate, default=0.0, metavar="RATE", help="how many of them, from 0 to 1"
    )
    return result


def add_broken_refunds(parser: argparse.ArgumentParser) -> None:
    """`--broken-refunds FILE` becomes `broken_refunds`, a frozenset of order ids."""
    parser.add_argument(
        "--broken-refunds",
        type=_order_ids,
        default=frozenset[str](),
        metavar="FILE",
        help="JSON list of the orders that are charged, not shipped and not refunded",
    )


def fault_plan(options: argparse.Namespace, *, spared: frozenset[str] = frozenset()) -> FaultPlan:
    return FaultPlan(seed=options.seed, rate=options.faults, spared=spared)


def run(app: ASGIApp, fd: int) -> None:
    """Serve until told to stop; returns only after an orderly end."""
    log_to_stderr()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
    )

    def stop(*_: int | FrameType | None) -> None:
        server.should_exit = True

    # uvicorn raises the signals that stopped it once more at the end: they find these handlers.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    on_end_of_stdin(stop)
    server.run(sockets=[socket.socket(fileno=fd)])
    if not server.started:
        sys.exit(1)


def on_end_of_stdin(stop: Callable[[], object]) -> None:
    """Call `stop` from another thread once our parent is gone or has closed our stdin."""

    def watch() -> None:
        # Not sys.stdin: its lock, held by a blocked thread, aborts the interpreter's exit.
        while os.read(0, 1024):
            pass
        stop()

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def _order_ids(text: str) -> frozenset[str]:
    try:
        return TypeAdapter(frozenset[Identifier]).validate_json(Path(text).read_bytes())
    except (OSError, ValidationError) as error:
        raise argparse.ArgumentTypeError(f"{text} is no JSON list of order ids: {error}") from error


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return rate
