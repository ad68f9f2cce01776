"""The saga benchmark runs and prints what its readers expect. Nothing here judges a timing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "saga.py"
LIMIT = 500.0


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Parsing fails if anything but one JSON document is on stdout."""
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own script
        [sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stderr
    assert "round 1/" in done.stderr
    return json.loads(done.stdout)


VARIANTS = [
    ("empty", 0),
    ("hand_written", 4),
    ("saga", 4),
    ("hand_written_branches", 4),
    ("saga_branches", 4),
]


@pytest.mark.parametrize(("variant", "steps"), VARIANTS)
def test_a_variant_has_its_figures(report: dict[str, Any], variant: str, steps: int) -> None:
    """Whoever compares two releases would miss a figure, or compare unlike workflows."""
    figures = report["variants"][variant]
    assert figures["orders_per_second"] > 0
    assert len(figures["orders_per_second_rounds"]) == report["rounds"]
    assert figures["worker_cpu_ms_per_order"] >= 0
    assert figures["server_cpu_ms_per_order"] >= 0
    # An activity is three events and brings a workflow task of three more; branches may share it.
    shared = 3 * (steps // 2) if "branches" in variant else 0
    assert 0 <= 5 + 6 * steps - figures["history_events_per_order"] <= shared
    assert figures["history_bytes_per_order"] > 500


@pytest.mark.parametrize("pair", ["saga_to_hand_written", "branches"])
def test_saga_is_compared_with_what_is_written_by_hand(report: dict[str, Any], pair: str) -> None:
    """The goal could not be judged without the ratio and its spread."""
    compared = report[pair]
    low, high = compared["throughput_interval_95"]
    assert low <= compared["throughput"]["median"] <= high
    for name in ("throughput", "throughput_per_cpu", "worker_cpu", "server_cpu"):
        spread = compared[name]
        assert 0 < spread["lowest"] <= spread["median"] <= spread["highest"]
        assert len(spread["rounds"]) == report["rounds"]
    assert compared["goal"] == 0.95
    assert compared["goal_met"] == (compared["throughput"]["median"] >= 0.95)


def test_tombstone_of_open_workflows(report: dict[str, Any]) -> None:
    """The cost of a saga that waits for days would be unknown."""
    memory = report["memory"]
    assert memory["open"] > 0
    for variant in ("hand_written", "saga"):
        held = memory[variant]
        assert held["rss_bytes_before"] > 10 * 2**20
        assert held["rss_bytes_after"] > 10 * 2**20
        assert "rss_bytes_per_workflow" in held


def test_figures_come_with_their_circumstances(report: dict[str, Any]) -> None:
    """A figure without versions, cores and sandbox compares with nothing."""
    assert report["sandbox"] is True
    assert report["quick"] is True
    assert report["machine"]["cores"] == psutil.cpu_count()
    assert set(report["versions"]) == {"temporalio", "server", "python"}
    assert all(report["versions"].values())
