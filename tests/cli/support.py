"""Running the real command in a process of its own, away from the developer's settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli import forked
from tests.waiting import LIMIT

MUSTERWERK = Path(sys.executable).with_name("musterwerk")


@dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        return json.loads(self.stdout)


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without Temporal's settings, and a home without profiles."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    kept.pop("XDG_CONFIG_HOME", None)
    return kept | {"HOME": str(home)} | dict(more or {})


def musterwerk(
    *args: str, home: Path, env: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Result:
    if args and args[0] in forked.COMMANDS:
        code, printed, said = forked.run(args, environment(home, env), home, stdin, 2 * LIMIT)
        return Result(code, printed.decode(), said.decode())
    done = subprocess.run(  # noqa: S603 - the command under test
        [MUSTERWERK, *args],
        env=environment(home, env),
        cwd=home,
        input=stdin,
        capture_output=True,
        timeout=2 * LIMIT,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def at_a_terminal(
    *args: str, home: Path, typed: str = "", answers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """The exit code and all that was printed; an answer is typed when its prompt is shown."""
    prompts = answers or {"[y/N]:": typed}
    ours, theirs = os.openpty()
    process = subprocess.Popen(  # noqa: S603 - the command under test
        [MUSTERWERK, *args],
        env=environment(home),
        cwd=home,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    printed = b""
    try:
        while chunk := _read(ours):
            printed += chunk
            for prompt, answer in prompts.items():
                if chunk.rstrip().endswith(prompt.encode()):
                    os.write(ours, answer.encode() + b"\n")
        return process.wait(LIMIT), printed.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side is closed
        return b""


def contribute(site: Path, module: str, code: str, **points: str) -> dict[str, str]:
    """Install a package with entry points, as pip would; returns the environment that has it."""
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = [f"[musterwerk.{group}]\nextra = {module}:{name}\n" for group, name in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return {"PYTHONPATH": str(site)}
