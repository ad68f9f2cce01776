"""A command in a process of its own that need not load it anew, which takes a second of computing.

One process has loaded all that commands need and does nothing else; for each it is copied, as it
was. Whether commands can be loaded is seen where they are started as people start them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

#: Each is one of our command's; others are started as people start them.
COMMANDS = ("approvals", "audit", "people", "sagas", "schedules", "shop")
_IN = 0

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "musterwerk.cli.main",
        *(f"musterwerk.cli.{command}" for command in COMMANDS if command != "shop"),
        "musterwerk.shop.commands",
    ]
)


def run(
    args: tuple[str, ...], env: Mapping[str, str], folder: Path, stdin: bytes, limit: float
) -> tuple[int, bytes, bytes]:
    """Its exit code, stdout and stderr, as `subprocess` tells them. Raises `TimeoutError`."""
    with tempfile.TemporaryDirectory() as kept:
        given, printed, said = (Path(kept, name) for name in ("in", "out", "error"))
        given.write_bytes(stdin)
        process = _context.Process(
            target=_command, args=(args, dict(env), folder, (given, printed, said))
        )
        process.start()
        process.join(limit)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"musterwerk {' '.join(args)}: {said.read_text()}")
        code = process.exitcode
        process.close()
        return code, printed.read_bytes(), said.read_bytes()


def _command(
    args: tuple[str, ...], env: dict[str, str], folder: Path, streams: tuple[Path, Path, Path]
) -> None:
    for number, path in enumerate(streams):
        flags = os.O_RDONLY if number == _IN else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    # What `multiprocessing` has changed for children of its own.
    sys.stdin = open(_IN, closefd=False)  # noqa: SIM115 - it stays open to the end
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["musterwerk", *args]

    from musterwerk.cli.main import main

    main()
