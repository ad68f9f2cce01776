"""Whoever tries an example as the pages say gets its lines and exit code 0."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("order", ["O-1: parcel of O-1 is on its way", "undone after NoSuchAddress"]),
        ("trip", ["room in Vista for Ada", "undone after NoHotel"]),
        ("bank", ["undone after AccountClosed", "together 12500"]),
        ("leave", ["ben for lena: decided", "Otto in August: rejected: no days left"]),
        ("background_check", ["is not a 'date'", ": clear", "not checked, rejected:"]),
        ("payment_approval", ["P-1: paid to Roof", "we need no yacht", "P-4: paid to Pens"]),
        ("data_sync", ["made up for: 31 runs, 90 rows", "again: 0 runs", "as before: True"]),
        ("report", ["in 25 hours", "@shop.example>", "again, and no mail: True"]),
        (
            "health_check",
            ["503: down, told so far: ['down']", "200: up, told so far: ['down', 'up']"],
        ),
        ("moving", ["in flight: by hand", "new: saga", "failed after the move: undone"]),
    ],
)
def test_an_example_runs_by_its_command(name: str, lines: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own example
        [sys.executable, "-m", f"examples.{name}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for line in lines:
        assert line in done.stdout
