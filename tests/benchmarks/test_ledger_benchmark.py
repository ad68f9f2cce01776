"""The ledger's benchmark runs and prints what its readers expect. Nothing here judges a timing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ledger.py"


def test_it_prints_its_figures() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own script
        [sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["lateness"]["runs"] == 10
    assert 0 < found["lateness"]["p50_ms"] <= found["late_p99_ms"]
    assert found["alerting"]["schedules"] == 2
    assert found["alert_delay_s"] > 0
    assert found["rows"]["rows"] == 2_000
    assert found["ledger_rows_per_s"] > 0
    assert found["calendar_month"]["verdicts"] == 1_000
    assert 0 < found["calendar_month"]["all"]["p50_ms"] <= found["calendar_month_p95_ms"]
