"""The console's benchmark runs and prints what its readers expect. Nothing here judges a timing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "console.py"
LIMIT = 500.0


def test_pages_and_listeners_have_their_figures() -> None:
    """The goals could not be judged; and the script itself refuses pages that are none."""
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own script
        [sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["open_requests"] == 500
    page = report["inbox_page"]
    assert page["count"] == 5
    assert 0 < page["p50_ms"] <= page["p95_ms"]
    assert page["whole_bytes"] == page["largest_bytes"] + page["assets_bytes"]
    live = report["live"]
    assert live["browsers"] == 10
    assert live["delivered"] == live["expected"] > 0
    assert live["delay"]["p50_ms"] > 0
    assert live["memory_mb_with_browsers"] > 0
    assert report["machine"]["cores"] == psutil.cpu_count()
    assert all(report["versions"].values())
