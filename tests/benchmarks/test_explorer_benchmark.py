"""The explorer's benchmark runs and prints what its readers expect, whatever the timings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "explorer.py"
LIMIT = 500.0


def test_it_prints_one_json_document_and_a_table() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own script
        [sys.executable, SCRIPT, "--quick"], capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    mutants, correct = report["mutants"], report["correct"]
    assert mutants["found"] == mutants["total"] > 5
    assert correct["accused"] == 0
    assert correct["exhausted"] == correct["total"] > 4
    assert report["k2_exhausted"]
    assert report["k2_runs"] > 1000
    assert report["ratio_to_test_server"] > 0
    assert "money_conserved" in done.stderr
    assert "simulated runs a second" in done.stderr
