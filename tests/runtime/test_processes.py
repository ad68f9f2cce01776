"""Child processes: watched, stopped in order, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from musterwerk.runtime import reaper
from musterwerk.runtime.processes import (
    Command,
    ManagedProcess,
    ProcessDied,
    ProcessGroup,
    first_death,
)
from tests.waiting import LIMIT

UNTIL_STDIN_CLOSES = "import sys; print('up', flush=True); sys.stdin.read(); print('bye')"
DEAF = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)"
)
WITH_CHILD = (
    "import subprocess, sys, time;"
    "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('up', p.pid, flush=True); time.sleep(600)"
)


def command(code: str, log: Path, **options: object) -> Command:
    return Command("helper", [sys.executable, "-c", code], log, **options)  # pyright: ignore[reportArgumentType] - test shorthand


async def up(process: ManagedProcess) -> list[str]:
    async def said_so() -> bool:
        return any(line.startswith("up") for line in process.log_tail())

    await process.ready(said_so)
    return process.log_tail()[0].split()[1:]


async def test_closing_stdin_lets_a_child_finish(tmp_path: Path) -> None:
    """Services would be cut off in the middle of a request."""
    process = ManagedProcess.start(command(UNTIL_STDIN_CLOSES, tmp_path / "log", stop_by="stdin"))
    await up(process)
    assert await process.stop() == 0
    assert process.log_tail() == ["up", "bye"]


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """`dev` would hang at Ctrl-C for ever."""
    process = ManagedProcess.start(command(DEAF, tmp_path / "log", grace=0.2))
    await up(process)
    assert await process.stop() == -signal.SIGKILL


async def test_early_death_shows_the_end_of_its_own_log(tmp_path: Path) -> None:
    """A service that cannot start would be waited for, or an old run's error be shown."""
    log = tmp_path / "log"
    log.write_text("up\nerror of yesterday\n")
    process = ManagedProcess.start(command("raise SystemExit('no database')", log))
    with pytest.raises(ProcessDied, match="no database") as died:
        await up(process)
    assert "yesterday" not in str(died.value)
    assert died.value.process.returncode == 1


async def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    """Grandchildren would keep ports and files."""
    process = ManagedProcess.start(command(WITH_CHILD, tmp_path / "log"))
    (grandchild,) = await up(process)
    process.kill()
    await process.wait()
    psutil.wait_procs(_existing(int(grandchild)), timeout=LIMIT)
    assert not _existing(int(grandchild))


async def test_group_tells_which_member_died_and_stops_the_rest(tmp_path: Path) -> None:
    """`dev` would go on without one of its services."""
    async with ProcessGroup() as group:
        stays = group.start(command(UNTIL_STDIN_CLOSES, tmp_path / "a", stop_by="stdin"))
        dies = group.start(command(UNTIL_STDIN_CLOSES, tmp_path / "b"))
        await up(stays)
        await up(dies)
        dies.kill()
        assert await first_death(group.members) is dies
    assert stays.returncode == 0


async def test_no_helper_is_left_when_nothing_runs(tmp_path: Path) -> None:
    """Every command would leave a process behind."""
    process = ManagedProcess.start(command(UNTIL_STDIN_CLOSES, tmp_path / "log", stop_by="stdin"))
    helpers = _reapers()
    await process.stop()
    # Only one that this process had before may stay: the test session's own server needs it.
    assert len(helpers) == 1
    assert len(_reapers()) <= 1


def test_sigkill_of_the_parent_leaves_nothing(tmp_path: Path) -> None:
    """The out-of-memory killer would leave servers running that nobody knows of."""
    code = (
        "import asyncio, sys; from pathlib import Path;"
        "from musterwerk.runtime.server import EmbeddedServer\n"
        "async def main():\n"
        "    async with EmbeddedServer(Path(sys.argv[1]), ui=False) as server:\n"
        "        print(server.process.pid, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())"
    )
    parent = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        children = psutil.Process(parent.pid).children()
        assert server in {child.pid for child in children}
        parent.kill()
    _, left = psutil.wait_procs(children, timeout=LIMIT)
    assert not left


def test_reaper_forgets_what_ended() -> None:
    """It would signal process numbers that belong to somebody else by now."""
    assert reaper.registered(["+3\n", "+4\n", "-3\n", "+5\n"]) == [5, 4]


def test_reaper_ends_without_children_to_end() -> None:
    """It would outlive every command."""
    done = subprocess.run(  # noqa: S603 - our own file
        [sys.executable, "-I", "-S", reaper.__file__], input=b"+1000\n-1000\n", timeout=10
    )
    assert done.returncode == 0


def _existing(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return []
    # In a container nobody may collect an orphan's exit code; a zombie has ended all the same.
    return [] if process.status() == psutil.STATUS_ZOMBIE else [process]


def _reapers() -> list[psutil.Process]:
    children = psutil.Process(os.getpid()).children()
    return [child for child in children if reaper.__file__ in child.cmdline()]
