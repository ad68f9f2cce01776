"""How a process that has talked to Temporal ends."""

from __future__ import annotations

import asyncio
import collections
import os
import subprocess
import sys

import pytest

from musterwerk.runtime.server import EmbeddedServer

EXIT_RUNS = 20


def test_leave_does_what_a_normal_exit_owes() -> None:
    """Output in a pipe, log lines and temporary folders would be lost."""
    code = (
        "import atexit, sys; from musterwerk.runtime.exits import leave;"
        "atexit.register(lambda: sys.stdout.write('tidied up'));"
        "sys.stdout.write('data '); sys.stderr.write('message'); leave(7)"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "data tidied up", "message")


@pytest.mark.parametrize("code", [0, 1])
def test_leave_bears_a_reader_that_went_away(code: int) -> None:
    """`musterwerk sagas list | head` would end in a traceback."""
    script = (
        "import sys; from musterwerk.runtime.exits import leave;"
        f"sys.stdin.read(); sys.stdout.write('x' * 10); leave({code})"
    )
    process = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Buffered, as outside of containers: the pipe is found broken at the last moment.
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == code


async def test_commands_do_not_crash_on_their_way_out(temporal_server: EmbeddedServer) -> None:
    """Scripts would see exit code 134 or 139 after work that was done (benchmarks/exits.py
    does 200)."""
    gate = asyncio.Semaphore(2)

    async def once() -> int:
        async with gate:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "musterwerk", "sagas", "list", "--limit", "1", "--type", "None"),
                *("--address", temporal_server.address, "-o", "json"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            return await process.wait()

    codes = await asyncio.gather(*(once() for _ in range(EXIT_RUNS)))
    assert collections.Counter(codes) == {0: EXIT_RUNS}
